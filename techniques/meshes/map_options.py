"""The options of a map statement of an MTL file, which stand before the name of its picture."""

import numpy as np

from techniques.meshes.mesh import Floats

__all__ = ["laid_out", "split_options"]

# How many values follow each option (3: one to three numbers).
_OPTIONS = {
    "-blendu": 1, "-blendv": 1, "-boost": 1, "-mm": 2, "-o": 3, "-s": 3, "-t": 3, "-texres": 1,
    "-clamp": 1, "-bm": 1, "-imfchan": 1, "-type": 1, "-cc": 1, "-colorspace": 1,
}  # fmt: skip


def split_options(text: str) -> tuple[str, str]:
    """The options in ``text``, and the name of the file behind them, which may hold spaces."""
    words = text.split(" ")
    at = 0
    while at < len(words) and words[at].lower() in _OPTIONS:
        following = _OPTIONS[words[at].lower()]
        at += 1
        if following == 3:
            at += len(_numbers(words[at:-1]))
        else:
            at += following
    return " ".join(words[:at]), " ".join(words[at:]).strip()


def laid_out(uvs: Floats, options: str) -> Floats:
    """Where in its picture a map with ``options`` has ``uvs`` [T, 2]: scaled by -s, then moved by -o."""
    words = options.lower().split()
    scale, offset = np.ones(2), np.zeros(2)
    for name, values in (("-s", scale), ("-o", offset)):
        if name in words:
            told = _numbers(words[words.index(name) + 1 :])[:2]
            values[: len(told)] = told
    return uvs * scale + offset


def _numbers(words: list[str]) -> list[float]:
    """The numbers that ``words`` begin with, three at most."""
    found: list[float] = []
    for word in words[:3]:
        try:
            found.append(float(word))
        except ValueError:
            break
    return found
