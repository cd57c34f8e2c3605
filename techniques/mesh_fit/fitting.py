"""Vertices moved until outlines are those of the guides: coarse to fine, and preconditioned.

The vertices are not optimised themselves but through (I + stiffness L)^-1, L being the mesh's Laplacian
(Nicolet, Jacobson and Jakob, *Large Steps in Inverse Rendering of Geometry*, 2021): a pull at one vertex
moves its surroundings with it, so that the noise of single pixels never crumples the surface.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from techniques.losses import Terms
from techniques.mesh_fit.guides import Guide, scaled
from techniques.mesh_fit.scene import Scene, overlap
from techniques.mesh_fit.settings import FitSettings
from techniques.optimise import Callback, History, Parameters, Stage, State, optimise
from techniques.raster.backend import Rasteriser
from techniques.raster.cameras import Camera, orbit
from techniques.raster.edges import edge_table
from techniques.raster.project import matrices
from techniques.shape.laplacian import Laplacian, smoothed
from techniques.shape.planes import Planes, find_planes, neighbours
from techniques.shape.terms import Folds, bending, planarity, roughness
from techniques.shape.uniform import UniformAdam

__all__ = ["HELD_OUT", "Fitted", "fit", "light_directions"]

HELD_OUT = (*orbit(6, start=15, elevation=25), *orbit(2, start=40, elevation=-20))
"""Cameras that no guide is likely to have: what happened where nobody looked."""

# What a weight of 1 means, chosen so that a sphere still becomes a star and a box stays boxes.
_ROUGHNESS_UNIT, _BENDING_UNIT, _PLANARITY_UNIT = 0.02, 0.01, 20.0

Outlines = tuple[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], ...]


@dataclass(frozen=True)
class Fitted:
    """What came out: ``vertices`` [V, 3] in the unit frame, losses by step, figures, and outlines to show.

    ``outlines`` holds for each guide its square, the mesh before and the mesh after, [n, n] in 0..1.
    """

    vertices: NDArray[np.float32]
    history: History
    metrics: dict[str, object]
    boundaries: tuple[int, ...]
    outlines: Outlines
    planes: tuple[int, int]


def fit(
    vertices: NDArray[np.float32],
    faces: NDArray[np.int64],
    guides: Sequence[Guide],
    cameras: Sequence[Camera],
    settings: FitSettings = FitSettings(),  # noqa: B008 - frozen
    *,
    rasteriser: Rasteriser,
    device: torch.device | None = None,
    callbacks: Sequence[Callback] = (),
    state: State | None = None,
) -> Fitted:
    """Move ``vertices`` [V, 3] of the unit frame until ``cameras`` see the outlines of ``guides``.

    ``faces`` [F, 3] have shared corners (``techniques.meshes.weld``). On a CPU the same arguments give the
    same coordinates; ``state`` continues an interrupted run (see ``optimise``).

    Raises:
        WorkFailedError: the mesh has moved beyond all bounds, or a loss is not a number any more.
    """
    device = device or torch.device("cpu")
    start = torch.from_numpy(np.ascontiguousarray(vertices)).to(device)
    indices = torch.from_numpy(faces).int().to(device)
    edges = edge_table(indices)
    scene = Scene(indices, edges, rasteriser)
    laplacian = Laplacian.of(edges, len(vertices), like=start)
    pairs, _ = neighbours(faces)
    folds = Folds.of(start, indices.long(), torch.from_numpy(pairs).to(device))
    planes = find_planes(vertices.astype(np.float64), faces)
    problem = _Problem(start, scene, laplacian, folds, planes.to(device), guides, cameras, settings)
    sizes = [max(32, settings.size // 4), max(32, settings.size // 2), settings.size]
    quarter = settings.iterations // 4
    shares = [quarter, quarter, settings.iterations - 2 * quarter]
    stages = [problem.stage(size, steps) for size, steps in zip(sizes, shares, strict=True) if steps]
    parameters, history = optimise(stages, callbacks=callbacks, state=state, device=device)
    with torch.no_grad():
        moved = problem.moved(parameters["pull"])
    boundaries = tuple(np.cumsum([stage.steps for stage in stages[:-1]]).tolist())
    return Fitted(
        moved.cpu().numpy(),
        history,
        problem.metrics(moved),
        boundaries,
        problem.outlines(moved),
        planes.counts,
    )


@dataclass(frozen=True)
class _Problem:
    start: Tensor
    scene: Scene
    laplacian: Laplacian
    folds: Folds
    planes: Planes
    guides: Sequence[Guide]
    cameras: Sequence[Camera]
    settings: FitSettings

    def moved(self, pull: Tensor) -> Tensor:
        return self.start + smoothed(pull, self.laplacian, self.settings.stiffness)

    def stage(self, size: int, steps: int) -> Stage:
        def begin(previous: Parameters | None) -> Parameters:
            return previous or {"pull": torch.zeros_like(self.start)}

        def method(leaves: list[Tensor]) -> torch.optim.Optimizer:
            return UniformAdam(leaves, rate=self.settings.step, steps=steps)

        return Stage(f"{size} x {size}", steps, begin, lambda: self._objective(size), method=method)

    def _objective(self, size: int) -> Callable[[Parameters], Terms]:
        masks = self._planes(size, "mask")
        lights = self._planes(size, "light") if self.settings.shading else None
        cameras = matrices(self.cameras, self.start)
        directions = light_directions(self.cameras, self.settings.light, self.start)
        area = masks.sum((1, 2))
        laplacian, chosen = self.laplacian, self.settings

        def rate(parameters: Parameters) -> Terms:
            moved = self.moved(parameters["pull"])
            seen, shaded = self.scene.views(moved, cameras, size, directions if chosen.shading else None)
            # The share of the guide's area that is missing or too much.
            outline = ((seen - masks).square().sum((1, 2)) / area).mean()
            parts = {
                "outline": (outline, 1.0),
                "roughness": (roughness(moved - self.start, laplacian), chosen.smoothness * _ROUGHNESS_UNIT),
                "bending": (bending(moved, self.folds), chosen.smoothness * _BENDING_UNIT),
                "planarity": (planarity(moved, self.planes), chosen.planarity * _PLANARITY_UNIT),
            }
            if shaded is not None and lights is not None:
                parts["shading"] = (_unlike(shaded, lights, seen * masks), chosen.shading)
            total = torch.stack([weight * value for value, weight in parts.values() if weight]).sum()
            return Terms(total, {name: value.detach() for name, (value, _) in parts.items()})

        return rate

    def _planes(self, size: int, name: str) -> Tensor:
        stacked = np.stack([scaled(getattr(guide, name), size) for guide in self.guides])
        return torch.from_numpy(stacked).to(self.start)

    @torch.no_grad()
    def metrics(self, moved: Tensor) -> dict[str, object]:
        cameras, held = matrices(self.cameras, moved), matrices(HELD_OUT, moved)
        found: dict[str, object] = {}
        for label, size in (("iou", self.settings.size), ("iou_at_twice_the_size", 2 * self.settings.size)):
            masks = self._planes(size, "mask")
            for when, vertices in (("before", self.start), ("after", moved)):
                seen, _ = self.scene.views(vertices, cameras, size)
                found[f"{label}_{when}"] = [round(value, 5) for value in overlap(seen, masks)]
        before, _ = self.scene.views(self.start, held, self.settings.size)
        after, _ = self.scene.views(moved, held, self.settings.size)
        kept = overlap(before, after)
        found["held_out_iou_with_the_input"] = {
            "mean": round(sum(kept) / len(kept), 5),
            "least": round(min(kept), 5),
        }
        found["largest_move_in_radii"] = round(float((moved - self.start).norm(dim=1).max()), 5)
        return found

    @torch.no_grad()
    def outlines(self, moved: Tensor) -> Outlines:
        size, cameras = 2 * self.settings.size, matrices(self.cameras, moved)
        masks = self._planes(size, "mask")
        before, _ = self.scene.views(self.start, cameras, size)
        after, _ = self.scene.views(moved, cameras, size)
        found = zip(masks.cpu().numpy(), before.cpu().numpy(), after.cpu().numpy(), strict=True)
        return tuple((guide, first, last) for guide, first, last in found)


def light_directions(cameras: Sequence[Camera], light: tuple[float, float], like: Tensor) -> Tensor:
    """Unit vectors (B, 3) to a light ``light`` degrees to the right of each camera's eye, and above it."""
    across, above = np.radians(light)
    local = np.array([np.sin(across) * np.cos(above), np.sin(above), np.cos(across) * np.cos(above)])
    return torch.from_numpy(np.stack([local @ camera.axes() for camera in cameras])).to(like)


def _unlike(shaded: Tensor, lights: Tensor, inside: Tensor) -> Tensor:
    """1 - the correlation of two pictures (B, n, n) where both have surface; exposure is free."""
    weight = inside.detach()
    total = weight.sum((1, 2), keepdim=True).clamp(min=1)

    def centred(picture: Tensor) -> Tensor:
        return (picture - (picture * weight).sum((1, 2), keepdim=True) / total) * weight.sqrt()

    a, b = centred(shaded), centred(lights)
    scale = (a.square().sum((1, 2)) * b.square().sum((1, 2)) + 1e-9).sqrt()
    return (1 - (a * b).sum((1, 2)) / scale).mean()
