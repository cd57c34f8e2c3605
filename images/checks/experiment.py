"""An experiment command as platforms run it: one argv, no home, no terminal, results where they belong."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from images import container
from images.subject import Subject, ensure

# Two pictures that are made where they are needed: a facade of windows, and stripes.
_PICTURES = """
import numpy
from PIL import Image
y, x = numpy.mgrid[0:96, 0:128]
facade = numpy.stack([x + y, 220 - y, 90 + 100 * ((x // 12 + y // 16) % 2)], -1)
stripes = numpy.stack([128 + 127 * numpy.sin((x + 2 * y) / 5), 255 - x, 40 + 0 * x], -1)
for name, picture in (("a", facade), ("b", stripes)):
    Image.fromarray(picture.clip(0, 255).astype("uint8")).save(f"/storage/{name}.jpg", quality=95)
"""

_COMPARE = """
import glob, json
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


def paints_offline(subject: Subject) -> None:
    """`deepdesign style` without network and on a read-only root: a new picture, and its record."""
    with _room(subject, "hed-vgg16") as room:
        subject.output("python", "-c", _PICTURES, volumes=room.prepared)
        room.run("deepdesign style /storage/a.jpg /storage/b.jpg --size 64 --iterations 12")
        seen = json.loads(room.run("python", "-c", _COMPARE).splitlines()[-1])
    ensure(seen["size"] == [64, 48], f"the picture has the size {seen['size']}, not 64 x 48")
    ensure(
        seen["to_content"] > 2, f"the picture is its content again (mean difference {seen['to_content']:.2f})"
    )
    ensure(seen["to_style"] > 2, f"the picture is its style again (mean difference {seen['to_style']:.2f})")
    _is_complete(seen["record"])


def classifies_offline(subject: Subject) -> None:
    """`deepdesign classify` knows a cup of coffee (a photograph by Rachel Michetti, CC0) when it sees one."""
    photograph = files("images.checks").joinpath("coffee.jpg").read_bytes()
    with _room(subject, "mobilenet-v2") as room:
        subject.write(room.storage, {"picture.jpg": photograph})
        said = room.run("deepdesign classify /storage/picture.jpg --weights mobilenet-v2 --top 1")
    ensure("espresso" in said, f"a photograph of an espresso is taken for: {said}")


def packs_and_unpacks_offline(subject: Subject) -> None:
    """`deepdesign pack` and `unpack` give every file back, and refuse a damaged archive whole."""
    with _room(subject) as room:
        subject.write(room.storage, {f"work/{number}.txt": f"{number}" * 999 for number in range(3)})
        room.run("deepdesign pack /storage/work -o /artifacts/work.zip --quiet")
        room.run("deepdesign unpack /artifacts/work.zip -o /artifacts/back --quiet")
        room.run("sh", "-c", 'diff -r /storage/work "$(dirname "$(find /artifacts/back -name 0.txt)")"')
        room.run("sh", "-c", "head -c 300 /artifacts/work.zip >/artifacts/cut.zip")
        room.run("sh", "-c", "deepdesign unpack /artifacts/cut.zip -o /artifacts/cut; test $? = 2")
        room.run("sh", "-c", "test ! -e /artifacts/cut")


def _is_complete(record: dict[str, Any]) -> None:
    keys = "command arguments seed device weights versions results metrics seconds".split()  # noqa: SIM905
    missing = [key for key in keys if key not in record]
    ensure(not missing, f"run.json lacks {', '.join(missing)}")
    ensure("hed-vgg16" in json.dumps(record["weights"]), f"run.json names the weights {record['weights']}")


@dataclass(frozen=True)
class _Room:
    """An experiment's surroundings: inputs that it may only read, a place for results, networks."""

    subject: Subject
    storage: str
    artifacts: str
    weights: str

    @property
    def prepared(self) -> dict[str, dict[str, str]]:
        """The storage, to be written before the experiment."""
        return {self.storage: {"bind": "/storage", "mode": "rw"}}

    def run(self, *command: str) -> str:
        """What ``command`` (one word: a line to split) prints: no network, read-only root, no home."""
        return self.subject.output(
            *(command if len(command) > 1 else command[0].split()),
            volumes={
                self.storage: {"bind": "/storage", "mode": "ro"},
                self.artifacts: {"bind": "/artifacts", "mode": "rw"},
                self.weights: {"bind": "/weights", "mode": "ro"},
            },
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 # the container's
            environment={"DEEPDESIGN_WEIGHTS": "/weights", "HOME": "/nowhere"},
        )


@contextlib.contextmanager
def _room(subject: Subject, *networks: str) -> Iterator[_Room]:
    """Empty volumes, and ``networks``: the image's own, or those that it then fetches as on first use."""
    carried = subject.labels.get("deepdesign.weights", "").split()
    with subject.volume() as storage, subject.volume() as artifacts, subject.volume() as weights:
        for name in networks:
            if name not in carried:
                _fetch(subject, name, weights)
        yield _Room(subject, storage, artifacts, weights)


def _fetch(subject: Subject, name: str, weights: str) -> None:
    """Let the image fetch the network ``name`` into a volume, which needs the package index."""
    with subject.volume() as trust:
        mounts = {weights: {"bind": "/weights", "mode": "rw"}, trust: {"bind": "/trust", "mode": "ro"}}
        environment = {"DEEPDESIGN_WEIGHTS": "/weights"}
        if subject.ca:
            subject.write(trust, {"ca.pem": subject.ca.read_bytes()})
            environment |= {"PIP_CERT": "/trust/ca.pem", "SSL_CERT_FILE": "/trust/ca.pem"}
        with container.running(
            subject.client,
            subject.image,
            ["deepdesign", "weights", "fetch", name, "--quiet"],
            volumes=mounts,
            environment=environment,
        ) as fetching:
            status = fetching.wait()
            ensure(status == 0, f"the weights could not be fetched: {fetching.logs().strip()}")
