"""Steps of other rasterisers that draw on a processor: the scene of `benchmarks.raster_speed`, their own way.

Each does less than ours: DEODR (C++) has outlines and a bilinear texture on the sides that face the camera,
without mip levels; the Warp kernels have visibility and a bilinear texture, no outlines. Neither is a part of
this project: `pip install deodr warp-lang` into an environment of your own first.
"""

import numpy as np
import torch

from techniques.meshes.shapes import icosphere
from techniques.raster.cameras import orbit
from techniques.raster.edges import edge_table
from techniques.raster.project import clip_positions, matrices

__all__ = ["deodr", "warp"]

TEXELS = 512


def _scene(views, size):
    mesh = icosphere(5)
    vertices = torch.from_numpy(mesh.vertices)
    clip = clip_positions(vertices, matrices(orbit(views, start=10, elevation=15), vertices)).numpy()
    places = clip[..., :3] / clip[..., 3:]
    screen = (places[..., :2] + 1) * size / 2 - 0.5
    return mesh.faces, screen, places[..., 2], mesh.vertices[:, :2] * 0.5 + 0.5


def deodr(views, size):
    """A step with gradients to screen positions and texels, or None where DEODR is not installed."""
    try:
        from deodr.differentiable_renderer import Scene2D
    except ImportError:
        return None
    faces, screen, depth, uv = _scene(views, size)
    table = edge_table(torch.from_numpy(faces))
    ends, opposite = table.ends.numpy(), table.opposite.numpy()
    keys = ends[:, 0] * len(uv) + ends[:, 1]
    sides = np.sort(np.stack([faces, np.roll(faces, -1, 1)], -1), -1)
    edge_of = np.searchsorted(keys, sides[..., 0] * len(uv) + sides[..., 1])
    texture = np.random.default_rng(0).random((TEXELS, TEXELS, 3))
    ones = np.ones(len(faces), dtype=bool)

    def side(at, corner):
        a, b, c = at[ends[:, 0]], at[ends[:, 1]], at[corner]
        return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])

    def step():
        for view in range(views):
            at = screen[view]
            outline = side(at, opposite[:, 0]) * side(at, opposite[:, 1]) > 0
            scene = Scene2D(
                faces=faces.astype(np.uint32),
                faces_uv=faces.astype(np.uint32),
                ij=np.ascontiguousarray(at),
                depths=depth[view] + 2,
                textured=ones,
                uv=uv * (TEXELS - 1),
                shade=np.ones(len(uv)),
                colors=np.zeros((len(uv), 3)),
                shaded=ones,
                edgeflags=outline[edge_of],
                height=size,
                width=size,
                nb_colors=3,
                texture=texture,
                background_color=np.zeros(3),
                backface_culling=True,
            )
            image, _ = scene.render()
            scene.clear_gradients()
            scene.render_backward(2 * image / image.size)
        return scene.ij_b, scene.texture_b

    return step


def warp(views, size):
    """A step with gradients to screen positions and texels, or None where Warp is not installed."""
    try:
        import warp as wp
    except ImportError:
        return None
    wp.config.quiet = True
    wp.init()
    faces, screen, depth, uv = _scene(views, size)
    nearest, colour = _kernels(wp)
    kept = {
        "corners": wp.array(faces.astype(np.int32).ravel(), dtype=wp.int32, device="cpu"),
        "uv": wp.array(uv.astype(np.float32), dtype=wp.vec2, device="cpu"),
        "texels": wp.array(
            np.random.default_rng(0).random((TEXELS * TEXELS, 3)).astype(np.float32),
            dtype=wp.vec3, device="cpu", requires_grad=True,
        ),
    }  # fmt: skip
    places = [
        wp.array(np.c_[at, z].astype(np.float32), dtype=wp.vec3, device="cpu", requires_grad=True)
        for at, z in zip(screen, depth, strict=True)
    ]

    def step():
        for place in places:
            best = wp.full(size * size, 2**62, dtype=wp.int64, device="cpu")
            wp.launch(nearest, len(faces), inputs=[place, kept["corners"], size, best], device="cpu")
            loss = wp.zeros(1, dtype=wp.float32, device="cpu", requires_grad=True)
            with wp.Tape() as tape:
                wp.launch(
                    colour, size * size, device="cpu",
                    inputs=[place, kept["corners"], kept["uv"], kept["texels"], best, size, TEXELS, loss],
                )  # fmt: skip
            tape.backward(loss)
            found = place.grad.numpy().copy(), kept["texels"].grad.numpy().copy()
            tape.zero()
        return found

    return step


def _kernels(wp):
    @wp.func
    def area(a: wp.vec3, b: wp.vec3, x: float, y: float):
        return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])

    @wp.kernel
    def nearest(
        place: wp.array(dtype=wp.vec3),
        corners: wp.array(dtype=int),
        size: int,
        best: wp.array(dtype=wp.int64),
    ):
        t = wp.tid()
        a, b, c = place[corners[3 * t]], place[corners[3 * t + 1]], place[corners[3 * t + 2]]
        whole = area(a, b, c[0], c[1])
        x0 = wp.max(int(wp.ceil(wp.min(a[0], wp.min(b[0], c[0])))), 0)
        x1 = wp.min(int(wp.floor(wp.max(a[0], wp.max(b[0], c[0])))), size - 1)
        y0 = wp.max(int(wp.ceil(wp.min(a[1], wp.min(b[1], c[1])))), 0)
        y1 = wp.min(int(wp.floor(wp.max(a[1], wp.max(b[1], c[1])))), size - 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                u = area(b, c, float(x), float(y)) / whole
                v = area(c, a, float(x), float(y)) / whole
                if u >= 0.0 and v >= 0.0 and u + v <= 1.0:
                    z = u * a[2] + v * b[2] + (1.0 - u - v) * c[2]
                    key = wp.int64(int((z + 1.0) * 5.0e8)) * wp.int64(4294967296) + wp.int64(t)
                    wp.atomic_min(best, y * size + x, key)

    @wp.kernel
    def colour(
        place: wp.array(dtype=wp.vec3), corners: wp.array(dtype=int), uv: wp.array(dtype=wp.vec2),
        texels: wp.array(dtype=wp.vec3), best: wp.array(dtype=wp.int64), size: int, side: int,
        loss: wp.array(dtype=float),
    ):  # fmt: skip
        p = wp.tid()
        if best[p] < wp.int64(4611686018427387904):
            t = int(best[p] % wp.int64(4294967296))
            i, j, k = corners[3 * t], corners[3 * t + 1], corners[3 * t + 2]
            x, y = float(p % size), float(p / size)
            whole = area(place[i], place[j], place[k][0], place[k][1])
            u = area(place[j], place[k], x, y) / whole
            v = area(place[k], place[i], x, y) / whole
            at = (uv[i] * u + uv[j] * v + uv[k] * (1.0 - u - v)) * float(side - 1)
            left, low = wp.clamp(int(at[0]), 0, side - 2), wp.clamp(int(at[1]), 0, side - 2)
            s, r = at[0] - float(left), at[1] - float(low)
            first = low * side + left
            under = texels[first] * (1.0 - s) + texels[first + 1] * s
            over = texels[first + side] * (1.0 - s) + texels[first + side + 1] * s
            found = under * (1.0 - r) + over * r
            wp.atomic_add(loss, 0, wp.dot(found, found) / float(size * size * 3))

    return nearest, colour
