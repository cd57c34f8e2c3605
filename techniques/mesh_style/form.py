"""A surface's form as numbers to optimise: smooth displacements of its vertices, and what holds them back."""

from dataclasses import dataclass

import torch
from torch import Tensor

from techniques.meshes.render import Surface
from techniques.optimise import Parameters
from techniques.shape.laplacian import Laplacian, smoothed
from techniques.shape.planes import neighbours
from techniques.shape.terms import Folds, bending, roughness
from techniques.shape.uniform import UniformAdam

__all__ = ["Form"]

_STIFFNESS = 19.0  # lambda of Large Steps: reliefs wider than a few edges, no crumpling
_RATE = 0.02  # of the radius: how far the fastest vertex may go in a step
# What weights of 1 mean, so that the balanced preset moves a sphere's vertices by a few hundredths.
_FAR_UNIT, _ROUGH_UNIT, _BEND_UNIT = 40.0, 2000.0, 0.5


@dataclass(frozen=True)
class Form:
    """Vertices (W, 3) as those of ``surface`` plus a smooth displacement (Nicolet et al. 2021)."""

    surface: Surface
    laplacian: Laplacian
    folds: Folds

    @classmethod
    def of(cls, surface: Surface) -> "Form":
        """The form of ``surface`` as it came."""
        faces = surface.faces.long()
        pairs, _ = neighbours(faces.cpu().numpy())
        return cls(
            surface,
            Laplacian.of(surface.edges, len(surface.vertices), like=surface.vertices),
            Folds.of(surface.vertices, faces, torch.from_numpy(pairs).to(faces.device)),
        )

    def parameters(self) -> Parameters:
        """The parameters of the form as it was."""
        return {"pull": torch.zeros_like(self.surface.vertices)}

    def vertices(self, parameters: Parameters) -> Tensor:
        """The vertices that ``parameters`` mean, differentiable."""
        return self.surface.vertices + smoothed(parameters["pull"], self.laplacian, _STIFFNESS)

    def terms(
        self, vertices: Tensor, *, content_weight: float, smoothness: float
    ) -> dict[str, tuple[Tensor, float]]:
        """What holds ``vertices`` back, each with its weight: how far they went (Kato's content), how
        unevenly neighbours moved, and how far folds have opened.
        """
        moved = vertices - self.surface.vertices
        return {
            "distance": (moved.square().sum(1).mean(), content_weight * _FAR_UNIT),
            "roughness": (roughness(moved, self.laplacian), smoothness * _ROUGH_UNIT),
            "bending": (bending(vertices, self.folds), smoothness * _BEND_UNIT),
        }

    @staticmethod
    def method(leaves: list[Tensor], steps: int) -> torch.optim.Optimizer:
        """The optimiser that belongs to it."""
        return UniformAdam(leaves, rate=_RATE, steps=steps)
