"""Dreaming on a surface: cameras look at it, and colours or vertices move until networks see their goal.

The gradient ascent of Inceptionism (Mordvintsev et al. 2015) through a rasteriser (Kato et al. 2018).
Departures from theirs: a texture atlas with mip levels that starts from the mesh's own colours, random crops,
turns and mirror images besides random cameras (Athalye et al. 2018), and vertices that move in large smooth
steps. The texture belongs to the surface, so views cannot contradict each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from techniques.dream.canvas import Canvas
from techniques.dream.dreaming import Dreamer, answer
from techniques.dream.views import Views
from techniques.losses import Terms, TotalVariation
from techniques.mesh_dream.settings import MeshDreamSettings
from techniques.mesh_style.cameras import cameras_of_step
from techniques.mesh_style.form import Form
from techniques.meshes.light import Light
from techniques.meshes.render import Surface, View, render
from techniques.optimise import Callback, History, Parameters, Stage, optimise
from techniques.raster.backend import Rasteriser
from techniques.raster.cameras import Camera
from techniques.seeds import seed_of

__all__ = ["SUN", "Dreamt", "Scene", "dream"]

SUN = Light(azimuth=-35, elevation=50, fixed=True)
_MARGIN = 1.15  # how much larger a rendered view is than what the network looks at
_CLOSEST = 0.6  # the smallest part of a view that it looks at
_RATE = 0.08
_SMOOTHNESS_UNIT = 20.0
_GOAL_UNIT_OF_FORM = 1.0  # a logit beside the terms that hold the form


@dataclass(frozen=True)
class Scene:
    """What is dreamt on: ``surface`` and its colours ``base`` (S, S, 3) as they came."""

    surface: Surface
    base: Tensor
    rasteriser: Rasteriser
    cameras: Sequence[Camera] = ()

    def seen(
        self,
        surface: Surface,
        texture: Tensor,
        cameras: Sequence[Camera],
        size: tuple[int, int],
        *,
        ground: Tensor,
        light: Light,
    ) -> View:
        """Pictures of ``surface`` in ``size`` (width, height) pixels before ``ground`` (3,) or (B, 3)."""
        return render(
            surface,
            texture,
            cameras,
            size,
            background=ground,
            lights=[light],
            rasteriser=self.rasteriser,
        )


@dataclass(frozen=True)
class Dreamt:
    """What came out: the texture (S, S, 3) in 0..1, the vertices (W, 3) of the unit frame, the figures over
    the steps, and the steps behind which the next stage began.
    """

    texture: Tensor
    vertices: Tensor
    history: History
    boundaries: tuple[int, ...]


def dream(
    scene: Scene,
    dreamers: Sequence[Dreamer],
    settings: MeshDreamSettings,
    *,
    callbacks: Sequence[Callback] = (),
    state: dict[str, Any] | None = None,
) -> Dreamt:
    """Change ``scene.surface`` until ``dreamers`` see their goals in it: its form, its colours, or both.

    On a CPU the same arguments give the same vertices and texels; ``state`` continues an interrupted run.

    Raises:
        BadInputError: a goal that a network does not have.
        WorkFailedError: the optimisation diverges.
    """
    plan = _Plan(scene, dreamers, settings)
    stages = plan.stages()
    parameters, history = optimise(
        stages,
        optimizer="adam",
        rate=_RATE * settings.strength,
        keep="average",
        callbacks=callbacks,
        state=state,
        device=scene.base.device,
    )
    with torch.no_grad():
        vertices = plan.form.vertices(parameters) if plan.form else scene.surface.vertices
    with torch.no_grad():
        texture = plan.colours(parameters) if settings.what != "geometry" else scene.base
    return Dreamt(texture, vertices, history, tuple(accumulate(stage.steps for stage in stages[:-1])))


class _Plan:
    def __init__(self, scene: Scene, dreamers: Sequence[Dreamer], settings: MeshDreamSettings) -> None:
        self.scene, self.dreamers, self.settings, self.step = scene, dreamers, settings, 0
        self.form = Form.of(scene.surface) if settings.what != "texture" else None
        # Fourier space and decorrelated colours, as in the dream of a picture: broad changes come first.
        self.canvas = Canvas(scene.base.permute(2, 0, 1)[None])
        self.random = torch.Generator()

    def colours(self, parameters: Parameters) -> Tensor:
        """The texture (S, S, 3) that ``parameters`` mean."""
        return self.canvas.picture(parameters["spectrum"])[0].permute(1, 2, 0).contiguous()

    def stages(self) -> list[Stage]:
        """The form comes first, then the colours on it."""
        kinds = {"texture": ["colours"], "geometry": ["form"], "both": ["form", "colours"]}
        parts = kinds[self.settings.what][-self.settings.iterations :]
        shares = [self.settings.iterations // len(parts)] * len(parts)
        shares[-1] += self.settings.iterations - sum(shares)
        return [
            self._stage(number, kind, steps)
            for number, (kind, steps) in enumerate(zip(parts, shares, strict=True))
        ]

    def _stage(self, number: int, kind: str, steps: int) -> Stage:
        form = self.form if kind == "form" else None

        def start(previous: Parameters | None) -> Parameters:
            fresh = self.form.parameters() if self.form else {}
            if form is None:
                fresh |= {"spectrum": self.canvas.blank()}
            return {**fresh, **(previous or {})}

        def seed(step: int) -> None:
            # By the step, not by what was drawn before: a resumed run sees the same views.
            self.step = step
            self.random.manual_seed(seed_of(self.settings.seed, number, step))

        return Stage(
            name=kind,
            steps=steps,
            start=start,
            objective=lambda: self._objective(number, form),
            at_step=seed,
            method=None if form is None else lambda leaves: form.method(leaves, steps),
        )

    def _objective(self, number: int, form: Form | None) -> Callable[[Parameters], Terms]:
        settings, light = self.settings, SUN if form else Light("flat")

        def rate(parameters: Parameters) -> Terms:
            cameras = cameras_of_step(settings.seed, number, self.step, settings.views, self.scene.cameras)
            surface, texture = self._drawn(parameters, form)
            # Another grey behind each view: what is dreamt must not lean on its ground.
            grey = torch.rand(len(cameras), 1, generator=self.random).expand(-1, 3).to(texture)
            values, variation = [], texture.new_zeros(())
            for dreamer in self.dreamers:
                wanted = dreamer.classifier.view
                size = round(wanted.width * _MARGIN), round(wanted.height * _MARGIN)
                view = self.scene.seen(surface, texture, cameras, size, ground=grey, light=light)
                looks = Views(count=1, least=_CLOSEST)
                crops = [
                    looks.take(one[None], (wanted.width, wanted.height), self.random) for one in view.image
                ]
                values.append(answer(dreamer, torch.cat(crops)))
                variation = variation + TotalVariation()(view.image, {}) / len(self.dreamers)
            goal = torch.stack(values).mean()
            if form:
                kept = form.terms(
                    surface.vertices, content_weight=settings.keep, smoothness=settings.smoothness
                )
                parts = {"goal": (goal, -_GOAL_UNIT_OF_FORM), **kept}
            else:
                parts = {
                    "goal": (goal, -1.0),
                    "variation": (variation, settings.smoothness * _SMOOTHNESS_UNIT),
                }
            total = torch.stack([weight * value for value, weight in parts.values() if weight]).sum()
            return Terms(total, {name: value.detach() for name, (value, _) in parts.items()})

        return rate

    def _drawn(self, parameters: Parameters, form: Form | None) -> tuple[Surface, Tensor]:
        """The surface and its colours; one of the two is what this stage changes."""
        surface = self.scene.surface
        if form:
            return surface.moved(form.vertices(parameters)), self.scene.base
        if self.form:
            with torch.no_grad():
                surface = surface.moved(self.form.vertices(parameters))
        return surface, self.colours(parameters)
