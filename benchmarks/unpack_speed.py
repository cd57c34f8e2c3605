"""Unpacking beside Info-ZIP's unzip, same archives, same run: photographs, and many small texts."""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from benchmarks.record import record
from techniques.archives.unpack import Settings, unpack

_ROUNDS = 5


def _archive(path: Path, *, files: int, size: int, packs: bool) -> int:
    """Write a zip of ``files`` files: words if it packs, else noise, as JPEGs are. Returns bytes."""
    noise = random.Random(8)
    words = [noise.randbytes(4).hex() for _ in range(2000)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED) as archive:
        for number in range(files):
            data = " ".join(noise.choices(words, k=size // 9)).encode() if packs else noise.randbytes(size)
            archive.writestr(f"class{number % 10}/{number}.{'txt' if packs else 'jpg'}", data)
        return sum(info.file_size for info in archive.infolist())


def _ours(path: Path, folder: Path) -> None:
    unpack(path, folder, Settings(), lambda *_: None)


def _unzip(path: Path, folder: Path) -> None:
    subprocess.run(["unzip", "-q", path, "-d", folder], check=True)


def _best(path: Path, base: Path) -> tuple[float, float]:
    """Best seconds of ours and of unzip, taken in turns, so that a busy moment of the machine meets both."""
    times: dict[str, list[float]] = {"ours": [], "unzip": []}
    for _ in range(_ROUNDS):
        for name, run in (("ours", _ours), ("unzip", _unzip)):
            folder = base / "out"
            began = time.perf_counter()
            run(path, folder)
            times[name].append(time.perf_counter() - began)
            shutil.rmtree(folder)
    return min(times["ours"]), min(times["unzip"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    if not shutil.which("unzip"):
        sys.exit("there is no unzip to compare with (Debian: unzip)")
    figures = {}
    with tempfile.TemporaryDirectory() as base:
        for name, files, size, packs in [
            ("photographs", 500, 400_000, False),
            ("small texts", 5000, 20_000, True),
        ]:
            path = Path(base) / "archive.zip"
            total = _archive(path, files=files, size=size, packs=packs)
            ours, theirs = _best(path, Path(base))
            figures[name] = {
                "files": files,
                "megabytes": round(total / 1e6, 1),
                "deepdesign_seconds": round(ours, 3),
                "unzip_seconds": round(theirs, 3),
                "ratio_to_unzip": round(ours / theirs, 2),
            }
    record("unpack_speed", figures)


if __name__ == "__main__":
    main()
