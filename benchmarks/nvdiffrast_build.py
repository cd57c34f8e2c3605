"""nvdiffrast in an image: seconds to compile it for the cards of a variant, and what its layer weighs.

Its source is on no package registry, so the checkout is an argument: ``python -m benchmarks.nvdiffrast_build
CHECKOUT [VARIANT...]``. Only the stage that compiles is built anew; where nothing is cached, the compiler and
torch come first and are not counted.
"""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.image_build import LAYERS, layers
from benchmarks.record import record
from images import build, engine, nvdiffrast, project
from images.base import provide
from images.checks import contents
from images.matrix import load
from images.subject import Subject

_STEP = re.compile(r"#(\d+) \[nvdiffrast-with [^\]]*\] RUN .*compile-nvdiffrast")


def seconds_of_the_step(progress: str) -> float:
    """What BuildKit's plain progress says of the step that compiles."""
    number = _STEP.search(progress)
    done = number and re.search(rf"^#{number[1]} DONE ([\d.]+)s$", progress, re.MULTILINE)
    if not done:
        raise SystemExit("BuildKit did not say that nvdiffrast was compiled")
    return float(done[1])


def measured(variant: str, checkout: Path) -> dict[str, Any]:
    """Build an image of ``variant`` with it, and let the image's own check look at it."""
    client, matrix = engine.connect(), load()
    choice = matrix.choose(variant, "notebook")
    assert choice.nvdiffrast
    source = nvdiffrast.given(checkout, choice.nvdiffrast)
    tag = f"deepdesign-bench:{secrets.token_hex(4)}"
    request = build.BuildRequest(
        choice, project.find(), provide(client, choice.base, print), (tag,), source, ca=_ca()
    )
    line = build.command(request, os.environ)
    line[3:3] = ["--no-cache-filter", "nvdiffrast-with"]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    try:
        contents.is_free_of_what_its_tag_says(Subject(client, tag, matrix))
        image = client.images.get(tag)
        blobs = [f"blobs/sha256/{layer.partition(':')[2]}" for layer in image.attrs["RootFS"]["Layers"]]
        # Only that layer is read: the names are those of `LAYERS`, in their order.
        wanted = blobs[[name.startswith("nvdiffrast") for name in LAYERS].index(True)]
        layer = layers(image, frozenset(blobs) - {wanted})[wanted]
    finally:
        client.images.remove(tag, force=True)
    return {
        "architectures": list(choice.variant.architectures),
        "torch": choice.variant.torch,
        "compiler": choice.variant.compiler,
        "seconds": seconds_of_the_step(done.stderr),
        "layer_bytes": layer["bytes"],
        "layer_gzip_bytes": layer["gzip_bytes"],
    }


def _ca() -> Path | None:
    given = os.environ.get("SSL_CERT_FILE")
    return Path(given) if given else None


def main() -> None:
    """Measure every variant, or those that are named."""
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    checkout, variants = Path(sys.argv[1]), sys.argv[2:] or list(load().variants)
    figures = {variant: measured(variant, checkout) for variant in variants}
    # The folder is this machine's own business.
    sys.argv[1] = "CHECKOUT"
    record("nvdiffrast_build", {"version": load().nvdiffrast.version, **figures})


if __name__ == "__main__":
    main()
