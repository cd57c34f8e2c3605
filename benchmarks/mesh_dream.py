"""Does mesh-dream bring a class into a mesh, for cameras and networks that took no part?

A box and a sphere at the command's defaults, and the sphere again with what the page of meshes advises for
round ones: two networks that dream, and twice the steps. The probability of the class is the mean over eight
held-out cameras, before and after; the judges are the networks at hand that did not dream.
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.record import record
from techniques.mesh_dream import MeshDreamSettings, mesh_dream_files
from techniques.meshes.mesh import Mesh
from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import box, icosphere

CLASSES = ("castle", "fountain")
BALL = "sphere of 1,280 triangles"
MORE = {"weights": "efficientnet-lite0,mobilenet-v2", "iterations": 200}


def main() -> None:
    figures: dict[str, Any] = {"settings": "the defaults: 100 steps, 4 views, 512 texels, texture only"}
    with tempfile.TemporaryDirectory() as folder:
        cases: tuple[tuple[str, Mesh, dict[str, Any]], ...] = (
            ("box", box((3, 2, 2)), {}),
            (BALL, icosphere(3), {}),
            (f"{BALL}, two networks, 200 steps", icosphere(3), MORE),
        )
        for number, (name, mesh, change) in enumerate(cases):
            path = Path(folder) / f"{number}.obj"
            write_obj(path, mesh)
            for wanted in CLASSES:
                made = mesh_dream_files(
                    path,
                    output=Path(folder) / f"{path.stem}_{wanted}.obj",
                    settings=MeshDreamSettings(classes=(wanted,), turntable=0, **change),
                )
                figures[f"{name}, {wanted}"] = {
                    "seconds": round(made["seconds"]),
                    **{one["network"]: _shown(one) for one in made["metrics"]["judges"]},
                    "dreamers": {one["network"]: _shown(one) for one in made["metrics"]["dreamers"]},
                }
    record("mesh_dream", figures)


def _shown(judgement: dict[str, Any]) -> dict[str, Any]:
    return {
        "probability": {when: round(judgement[when], 4) for when in ("before", "after")},
        "rank": {when: judgement[f"rank_{when}"] for when in ("before", "after")},
    }


if __name__ == "__main__":
    main()
