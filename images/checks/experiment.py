"""The techniques on pictures, offline and on a read-only root: each does what no copy of its input shows."""

import json
from typing import Any

from images.checks.room import room
from images.subject import Subject, ensure

# A facade of windows, and stripes.
_PICTURES = """
import numpy
from PIL import Image
y, x = numpy.mgrid[0:96, 0:128]
facade = numpy.stack([x + y, 220 - y, 90 + 100 * ((x // 12 + y // 16) % 2)], -1)
stripes = numpy.stack([128 + 127 * numpy.sin((x + 2 * y) / 5), 255 - x, 40 + 0 * x], -1)
for name, picture in (("a", facade), ("b", stripes)):
    Image.fromarray(picture.clip(0, 255).astype("uint8")).save(f"{name}.jpg", quality=95)
"""

_COMPARE = """
import json, sys
import numpy
from PIL import Image
record = json.load(open("/artifacts/run.json"))
def load(path, size=(64, 48)):
    return numpy.asarray(Image.open(path).convert("RGB").resize(size), "float")
pictures = [path for path in record["results"] if path.endswith((".png", ".jpg"))]
result = load(pictures[0])
print(json.dumps({
    "size": Image.open(pictures[0]).size,
    "to_content": abs(result - load("/storage/a.jpg")).mean(),
    "to_style": abs(result - load("/storage/b.jpg")).mean(),
    "record": record,
}))
"""

# Parts of the photograph, turned, and waves of all kinds: six of each to learn from, two to be asked about.
_CLASSES = """
from pathlib import Path
import numpy
from PIL import Image
photo = Image.open("photo.jpg").convert("RGB")
y, x = numpy.mgrid[0:96, 0:96]
for number in range(8):
    left, top = number * 37 % (photo.width - 96), number * 53 % (photo.height - 96)
    wave = 128 + 127 * numpy.sin((x * (1 + number % 3) + y * (3 - number % 4)) / (3 + number))
    waves = numpy.stack([wave, 255 - wave / 2, 40 + 20 * number + 0 * x], -1).astype("uint8")
    cup = photo.crop((left, top, left + 96, top + 96)).rotate(45 * number)
    for name, picture in (("cups", cup), ("waves", Image.fromarray(waves))):
        folder = Path("known", name) if number < 6 else Path("new")
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{name}{number}.jpg", quality=95)
"""

_DREAMT = """
import json
import numpy
from PIL import Image
record = json.load(open("/artifacts/dream.run.json"))
result = Image.open("/artifacts/dream.png").convert("RGB")
before = Image.open("/storage/photo.jpg").convert("RGB").resize(result.size)
change = abs(numpy.asarray(result, "float") - numpy.asarray(before, "float")).mean()
print(json.dumps({"change": change, "dreamer": record["metrics"]["dreamers"][0]}))
"""


def paints_offline(subject: Subject) -> None:
    """`deepdesign style`: a picture that is neither its content nor its style, and its record."""
    with room(subject, "hed-vgg16") as here:
        here.put(_PICTURES)
        seen = last(
            here.run("deepdesign style /storage/a.jpg /storage/b.jpg --size 64 --iterations 12", _COMPARE)
        )
    ensure(seen["size"] == [64, 48], f"the picture has the size {seen['size']}, not 64 x 48")
    ensure(
        seen["to_content"] > 2, f"the picture is its content again (mean difference {seen['to_content']:.2f})"
    )
    ensure(seen["to_style"] > 2, f"the picture is its style again (mean difference {seen['to_style']:.2f})")
    _is_complete(seen["record"])


def dreams_offline(subject: Subject) -> None:
    """`deepdesign dream`: the network sees the class in the picture far more than in the photograph."""
    with room(subject, "mobilenet-v2") as here:
        here.put("")
        seen = last(
            here.run(
                "deepdesign dream /storage/photo.jpg --class fountain --weights mobilenet-v2 --judges none "
                "--size 128 --iterations 10 -o /artifacts/dream.png",
                _DREAMT,
            )
        )
    before, after = seen["dreamer"]["before"], seen["dreamer"]["after"]
    ensure(after > 100 * before, f"the network saw the class with {before:.2g} before and {after:.2g} after")
    ensure(seen["change"] > 1, f"the picture is the photograph again (mean difference {seen['change']:.2f})")


def trains_offline(subject: Subject) -> None:
    """`deepdesign train`, then `classify` with what it learnt: new pictures are told apart."""
    with room(subject, "mobilenet-v2") as here:
        here.put(_CLASSES)
        said = here.run(
            "deepdesign train /storage/known --weights mobilenet-v2 --epochs 2 --size 64 --judge none "
            "--quiet -o /artifacts/net; "
            "deepdesign classify /storage/new/*.jpg --weights /artifacts/net --top 1"
        ).splitlines()
    # The name of a picture, then its class.
    answers = {line.split()[0]: said[at + 1] for at, line in enumerate(said) if line.startswith("/storage/")}
    ensure(len(answers) == 4, f"{len(answers)} pictures were classified, not 4: {said}")
    for name, answer in answers.items():
        label = answer.split()[0]
        ensure(f"/{label}" in name, f"{name} is taken for {label} by a network that was taught both")


def classifies_offline(subject: Subject) -> None:
    """`deepdesign classify` knows a cup of coffee when it sees one."""
    with room(subject, "mobilenet-v2") as here:
        here.put("")
        said = here.run("deepdesign classify /storage/photo.jpg --weights mobilenet-v2 --top 1")
    ensure("espresso" in said, f"a photograph of an espresso is taken for: {said}")


def last(printed: str) -> dict[str, Any]:
    """The JSON object on the last line of ``printed``."""
    return dict(json.loads(printed.splitlines()[-1]))


def _is_complete(record: dict[str, Any]) -> None:
    keys = "command arguments seed device weights versions results metrics seconds".split()  # noqa: SIM905
    missing = [key for key in keys if key not in record]
    ensure(not missing, f"run.json lacks {', '.join(missing)}")
    ensure("hed-vgg16" in json.dumps(record["weights"]), f"run.json names the weights {record['weights']}")
