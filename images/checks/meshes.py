"""The techniques on meshes, offline and on a read-only root, with the rasteriser that every image has."""

from typing import Any

from images.checks.experiment import last
from images.checks.room import Room, room
from images.subject import Subject, ensure

# A ball, the outline of an egg that lies on its side, and stripes.
_BALL = """
from pathlib import Path
import numpy
from PIL import Image, ImageDraw
from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import icosphere
write_obj(Path("ball.obj"), icosphere(2))
egg = Image.new("L", (128, 128), 255)
ImageDraw.Draw(egg).ellipse((8, 36, 120, 92), fill=0)
egg.save("egg.png")
y, x = numpy.mgrid[0:96, 0:128]
stripes = numpy.stack([128 + 127 * numpy.sin((x + 2 * y) / 5), 255 - x, 40 + 0 * x], -1)
Image.fromarray(stripes.clip(0, 255).astype("uint8")).save("stripes.png")
"""

_LOOK = """
import json, os
import numpy
from PIL import Image
def corners(path):
    return numpy.array([line.split()[1:4] for line in open(path) if line.startswith("v ")], "float")
before, after = corners("/storage/ball.obj"), corners("/artifacts/out.obj")
texture = "/artifacts/out.png"
colours = numpy.asarray(Image.open(texture).convert("RGB"), "float") if os.path.exists(texture) else None
print(json.dumps({
    "moved": float(abs(before - after).max()),
    "extent": (after.max(0) - after.min(0)).tolist(),
    "colours": None if colours is None else colours.reshape(-1, 3).std(0).tolist(),
    "metrics": json.load(open("/artifacts/out.run.json"))["metrics"],
}))
"""

_QUICK = "--turntable 0 --texture-size 64 --views 1 -o /artifacts/out.obj"


def fits_a_mesh_offline(subject: Subject) -> None:
    """`deepdesign mesh-fit`: a ball becomes as wide and as flat as the drawing that it was given."""
    with room(subject) as here:
        seen = _look(
            here,
            "deepdesign mesh-fit /storage/ball.obj /storage/egg.png --camera front --iterations 25 --size 64 "
            "--no-turntable -o /artifacts/out.obj",
        )
    (wide, high, _), metrics = seen["extent"], seen["metrics"]
    ensure(wide > 1.25 * high, f"a ball that should be an egg is {wide:.2f} wide and {high:.2f} high")
    ensure(metrics["iou_after"][0] > metrics["iou_before"][0], f"its outline has come no nearer: {metrics}")


def paints_a_mesh_offline(subject: Subject) -> None:
    """`deepdesign mesh-style`: a ball without colours gets a texture that is nearer to the style."""
    with room(subject, "hed-vgg16") as here:
        seen = _look(
            here,
            "deepdesign mesh-style /storage/ball.obj /storage/stripes.png --weights hed-vgg16 --iterations 4 "
            f"--size 64 {_QUICK}",
        )
    metrics = seen["metrics"]
    ensure(
        metrics["style"] < 0.97 * metrics["style_before"], f"it has come no nearer to the style: {metrics}"
    )
    _is_painted(seen)


def dreams_on_a_mesh_offline(subject: Subject) -> None:
    """`deepdesign mesh-dream`: the network sees the class on the ball more than before."""
    with room(subject, "mobilenet-v2") as here:
        seen = _look(
            here,
            "deepdesign mesh-dream /storage/ball.obj --class fountain --weights mobilenet-v2 --judges none "
            f"--iterations 6 {_QUICK}",
        )
    dreamer = seen["metrics"]["dreamers"][0]
    ensure(
        dreamer["after"] > 3 * dreamer["before"], f"the network sees the class no more than before: {dreamer}"
    )
    _is_painted(seen)


def _look(here: Room, command: str) -> dict[str, Any]:
    here.put(_BALL)
    return last(here.run(command, _LOOK))


def _is_painted(seen: dict[str, Any]) -> None:
    ensure(seen["moved"] == 0, f"painting has moved vertices, by {seen['moved']}")
    ensure(seen["colours"] and max(seen["colours"]) > 2, f"the texture is one flat colour: {seen['colours']}")
