"""Styling a surface by looking at it: pictures and a surface in, a texture (and other vertices) out.

Gatys, Ecker and Bethge (2016) on views of a mesh, as Kato et al. (2018) began it and Mordvintsev et al.
(Distill, 2018) made it consistent. Departures from Kato: a texture atlas with mip levels instead of colours
for each face, drawn together where its charts meet; statistics over all views of a step together; and the
look of the mesh as it came as content instead of its vertices alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from techniques.losses import Terms, TotalVariation
from techniques.mesh_style.cameras import HELD_OUT, cameras_of_step
from techniques.mesh_style.form import Form
from techniques.mesh_style.paint import Paint, colour_axes
from techniques.mesh_style.settings import MeshStyleSettings
from techniques.mesh_style.statistics import kept_looks, style_loss, views_moments
from techniques.meshes.light import Light
from techniques.meshes.render import Surface, View, render
from techniques.meshes.seams import Seams
from techniques.networks import FeatureNetwork
from techniques.optimise import Callback, History, Parameters, Stage, optimise
from techniques.pictures import Picture
from techniques.raster.backend import Rasteriser
from techniques.raster.cameras import Camera
from techniques.textures import GramStyle

__all__ = ["Styled", "Work", "judged", "stylize"]

# What weights of 1 mean, as in the style of pictures.
_STYLE_UNIT, _SMOOTHNESS_UNIT = 40.0, 60.0
_SEAMS_UNIT = 100.0  # with it colours differ at seams as little as elsewhere: benchmarks.mesh_seams
_COARSEST = 128  # px of a view: below it the deepest style layer sees the whole of it
_NOISE = 0.15
_PLAIN = 0.02  # standard deviation of colours below which a mesh has no texture to speak of
_GREY = {"white": 1.0, "grey": 0.5, "black": 0.0}
_SUN = Light(azimuth=-35, elevation=50, fixed=True)


@dataclass(frozen=True)
class Work:
    """What is worked on and with: ``surface`` and its colours ``base`` (S, S, 3) as they came, and the
    ``seams`` that colours are to run on over, if there are any.
    """

    surface: Surface
    base: Tensor
    styles: Sequence[Picture]
    network: FeatureNetwork
    rasteriser: Rasteriser
    cameras: Sequence[Camera] = ()
    seams: Seams | None = None

    def seen(
        self,
        surface: Surface,
        texture: Tensor,
        cameras: Sequence[Camera],
        size: int,
        background: Tensor,
        light: Light,
    ) -> View:
        """``surface`` with ``texture`` before ``background``, in squares of ``size`` pixels."""
        return render(
            surface,
            texture,
            cameras,
            (size, size),
            background=background,
            lights=[light],
            rasteriser=self.rasteriser,
        )


@dataclass(frozen=True)
class Styled:
    """What came out: the texture (S, S, 3) in 0..1, the vertices (W, 3) of the unit frame, the losses over
    the steps, and where stages ended.
    """

    texture: Tensor
    vertices: Tensor
    history: History
    boundaries: tuple[int, ...]


def stylize(
    work: Work,
    settings: MeshStyleSettings,
    *,
    callbacks: Sequence[Callback] = (),
    state: dict[str, Any] | None = None,
) -> Styled:
    """Style ``work.surface`` in the manner of the styles: its form, its colours, or one after the other.

    On a CPU the same arguments give the same vertices and texels; ``state`` continues an interrupted run (see
    ``optimise``).

    Raises:
        WorkFailedError: the optimisation diverges.
    """
    if not settings.style_weight:
        # Adam takes steps of one size however little there is to gain: nothing sought, nothing touched.
        return Styled(work.base, work.surface.vertices, {"total": []}, ())
    plan = _Plan(work, settings)
    stages = plan.stages()
    parameters, history = optimise(
        stages,
        optimizer="adam",
        keep="average",
        callbacks=callbacks,
        state=state,
        device=work.base.device,
    )
    with torch.no_grad():
        vertices = plan.form.vertices(parameters) if plan.form else work.surface.vertices
    texture = plan.paint.finished(parameters) if plan.paints else work.base
    return Styled(texture, vertices, history, tuple(accumulate(stage.steps for stage in stages[:-1])))


def judged(
    work: Work, surface: Surface, texture: Tensor, settings: MeshStyleSettings, *, size: int | None = None
) -> dict[str, float]:
    """How far ``surface`` with ``texture`` is from the style, from cameras that were held out.

    ``style`` is the Gram distance over all of them together at ``size`` (default: three quarters of the
    views' size); ``spread`` the standard deviation of those of single views.
    """
    device = work.base.device
    side = size or max(64, settings.size * 3 // 4)
    loss = _style(work, settings, side)
    with torch.no_grad():
        ground, light = _background(settings, work.styles, device), _light(settings)
        view = work.seen(surface, texture, HELD_OUT, side, ground, light)
        each = []
        features: dict[str, list[Tensor]] = {layer: [] for layer in settings.style_layers}
        for k in range(len(HELD_OUT)):
            found = work.network(view.image[k : k + 1], settings.style_layers)
            each.append(loss.compare(views_moments(found, view.mask[k : k + 1], settings.style_layers)))
            for layer, values in found.items():
                features[layer].append(values)
        whole = {layer: torch.cat(values) for layer, values in features.items()}
        together = loss.compare(views_moments(whole, view.mask, settings.style_layers))
    return {"style": float(together), "spread": float(torch.stack(each).std())}


class _Plan:
    """The stages of a run, and what turns their parameters into vertices and colours."""

    def __init__(self, work: Work, settings: MeshStyleSettings) -> None:
        self.work, self.settings, self.step = work, settings, 0
        self.form = Form.of(work.surface) if settings.what != "texture" else None
        self.paints = settings.what != "geometry"
        noise = _NOISE if settings.start == "noise" and self.paints else 0.0
        self.paint = Paint(work.base, colour_axes(work.styles), noise=noise, seed=settings.seed)

    def stages(self) -> list[Stage]:
        """Coarse to fine for the form, then coarse to fine for the colours on it."""
        size = self.settings.size
        sizes = [size // 2, size] if size // 2 >= _COARSEST else [size]
        parts = [("form", side) for side in sizes] if self.form else []
        parts += [("colours", side) for side in sizes] if self.paints else []
        parts = parts[-self.settings.iterations :]
        shares = [self.settings.iterations // len(parts)] * len(parts)
        shares[-1] += self.settings.iterations - sum(shares)
        return [
            self._stage(number, kind, side, steps)
            for number, ((kind, side), steps) in enumerate(zip(parts, shares, strict=True))
        ]

    def _stage(self, number: int, kind: str, size: int, steps: int) -> Stage:
        form = self.form if kind == "form" else None

        def start(previous: Parameters | None) -> Parameters:
            fresh = self.form.parameters() if self.form else {}
            if form is None:
                fresh |= self.paint.parameters()
            return {**fresh, **(previous or {})}

        return Stage(
            name=f"{kind}, {size} px",
            steps=steps,
            start=start,
            objective=lambda: self._objective(number, form, size),
            at_step=self._at,
            method=None if form is None else lambda leaves: form.method(leaves, steps),
        )

    def _at(self, step: int) -> None:
        """Cameras are drawn by the number of the step, so that a resumed run draws the same ones."""
        self.step = step

    def _objective(self, stage: int, form: Form | None, size: int) -> Callable[[Parameters], Terms]:
        work, settings = self.work, self.settings
        style, smooth = _style(work, settings, size), TotalVariation()
        ground = _background(settings, work.styles, work.base.device)
        light = _SUN if form else _light(settings)
        # A mesh of one colour is kept as it looks in the sun: without shading it would have no forms to keep.
        plain = bool(work.base.std((0, 1)).max() < _PLAIN)
        before = _SUN if plain else light
        layers = {*settings.style_layers, *settings.content_layers}

        def rate(parameters: Parameters) -> Terms:
            cameras = cameras_of_step(settings.seed, stage, self.step, settings.views, work.cameras)
            surface, texture = self._drawn(parameters, form)
            view = work.seen(surface, texture, cameras, size, ground, light)
            with torch.no_grad():
                came = work.seen(work.surface, work.base, cameras, size, ground, before)
                forms = work.network(came.image, settings.content_layers)
            features = work.network(view.image, layers)
            kept = kept_looks(features, forms, view.mask, settings.content_layers)
            parts = {
                "style": (
                    style.compare(views_moments(features, view.mask, settings.style_layers)),
                    settings.style_weight * _STYLE_UNIT,
                ),
                "content": (kept, settings.content_weight),
            }
            if form:
                parts |= form.terms(
                    surface.vertices,
                    content_weight=settings.content_weight,
                    smoothness=settings.smoothness,
                )
            else:
                weight = settings.smoothness * settings.style_weight * _SMOOTHNESS_UNIT
                parts["variation"] = (smooth(view.image, {}), weight)
                if work.seams:
                    # Of what is new only: where two materials meet, their own colours differ.
                    new = work.seams.step(texture - work.base)
                    parts["seams"] = (new, settings.style_weight * _SEAMS_UNIT)
            total = torch.stack([weight * value for value, weight in parts.values() if weight]).sum()
            return Terms(total, {name: value.detach() for name, (value, _) in parts.items()})

        return rate

    def _drawn(self, parameters: Parameters, form: Form | None) -> tuple[Surface, Tensor]:
        """The surface and its colours; one of the two is what this stage changes."""
        surface = self.work.surface
        if form:
            return surface.moved(form.vertices(parameters)), self.work.base
        if self.form:
            with torch.no_grad():
                surface = surface.moved(self.form.vertices(parameters))
        return surface, self.paint.colors(parameters)


def _light(settings: MeshStyleSettings) -> Light:
    sunny = settings.light == "sun" or (settings.light == "auto" and settings.what == "geometry")
    return _SUN if sunny else Light("flat")


def _style(work: Work, settings: MeshStyleSettings, size: int) -> GramStyle:
    return style_loss(
        work.styles,
        size,
        scale=settings.style_scale,
        blend=settings.blend,
        layers=settings.style_layers,
        network=work.network,
        device=work.base.device,
    )


def _background(settings: MeshStyleSettings, styles: Sequence[Picture], device: torch.device) -> Tensor:
    if settings.background != "style":
        return torch.full((3,), _GREY[settings.background], device=device)
    means = torch.stack([torch.from_numpy(style.over_white()).mean((0, 1)) for style in styles])
    return means.mean(0).to(device)
