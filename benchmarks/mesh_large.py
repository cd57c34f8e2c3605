"""A million triangles: how long reading, reducing and unwrapping them take, and how much memory.

An OBJ of 1,310,720 triangles with texture coordinates and normals, 182 MB, each step in a process of its own;
trimesh reads the same file beside it.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.record import record
from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import icosphere
from techniques.meshes.triangles import polygons_of

_STEPS = {
    "read": ("from techniques.meshes.read import read_mesh", "mesh = read_mesh(path)"),
    "read by trimesh": ("import trimesh", "mesh = trimesh.load(path, process=False)"),
    "reduce to 100,000": (
        "from techniques.meshes.read import read_mesh\n"
        "from techniques.meshes.decimate import reduced\nmesh = read_mesh(path)",
        "mesh = reduced(mesh, 100_000)",
    ),
    "unwrap without reducing": (
        "from dataclasses import replace\nimport numpy as np\nfrom techniques.meshes.atlas import atlas_for\n"
        "from techniques.meshes.read import read_mesh\nmesh = read_mesh(path)\n"
        "polygons = replace(mesh.polygons, uvs=np.full_like(mesh.polygons.uvs, -1))\n"
        "mesh = replace(mesh, polygons=polygons)",
        "mesh = atlas_for(mesh, 2048).mesh",
    ),
}


def main() -> int:
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sphere.obj"
        ball = icosphere(8)
        polygons = polygons_of(ball.faces, uvs=ball.faces, normals=ball.faces)
        uvs = ball.vertices[:, :2] * 0.5 + 0.5
        write_obj(path, replace(ball, polygons=polygons, uvs=uvs, normals=ball.vertices))
        figures["the file, MB"] = round(path.stat().st_size / 1e6)
        for name, (before, work) in _STEPS.items():
            figures[name] = _measured(path, before, work)
    record("mesh_large", figures)
    return 0


def _measured(path: Path, before: str, work: str) -> dict[str, float]:
    script = (
        "import json, sys, time\nfrom pathlib import Path\n"
        "from techniques.memory import peak_resident\npath = Path(sys.argv[1])\n"
        f"{before}\nbegan = time.perf_counter()\n{work}\n"
        "seconds = round(time.perf_counter() - began, 1)\n"
        "peak = peak_resident() >> 20\n"
        "print(json.dumps({'seconds': seconds, 'peak, MiB': peak, 'triangles': len(mesh.faces)}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
