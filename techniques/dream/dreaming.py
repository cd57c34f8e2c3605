"""Dreaming: a photograph changes until networks see in it what was asked for. Pictures in, a picture out.

The gradient ascent of Inceptionism (Mordvintsev et al. 2015) on what a class's logit or a layer answers, with
three departures, each because other networks than the dreamer then agree (benchmarks/dream_judges.py):

- the change is optimised in Fourier space and decorrelated colours (canvas.py);
- the network sees random views of the picture (views.py) at the size that it was trained on, instead of the
  whole picture shifted by a few pixels. So memory hardly grows with the picture, and there are no tiles;
- coarse sizes come first (octaves); their change is carried on to the next size exactly.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from techniques.classifiers.classifier import Classifier
from techniques.dream.canvas import Canvas
from techniques.dream.objectives import Goal, value_of
from techniques.dream.regions import white
from techniques.dream.settings import STRENGTHS, DreamSettings
from techniques.dream.views import Box, Views
from techniques.errors import BadInputError
from techniques.losses import Terms, TotalVariation
from techniques.optimise import Callback, History, Parameters, Stage, optimise
from techniques.pictures import Picture, fit
from techniques.seeds import seed_of

__all__ = ["Dreamed", "Dreamer", "answer", "dream", "octaves", "stages"]

_COARSEST = 384  # px, longer side: below it, views would show a photograph that is scaled up a lot
_SMOOTHNESS_UNIT = 20.0


@dataclass(frozen=True, eq=False)
class Dreamer:
    """A network and what it is to see."""

    classifier: Classifier
    goals: Sequence[Goal]


@dataclass(frozen=True)
class Dreamed:
    """What came out: the picture, the figures over the steps, and the steps behind which it grew."""

    picture: Picture
    history: History
    boundaries: tuple[int, ...]


def dream(
    photo: Picture,
    dreamers: Sequence[Dreamer],
    settings: DreamSettings,
    size: tuple[int, int],
    *,
    mask: Picture | None = None,
    device: torch.device,
    callbacks: Sequence[Callback] = (),
    state: dict[str, Any] | None = None,
) -> Dreamed:
    """Change ``photo``, cropped to ``size`` (width, height), until ``dreamers`` see their goals in it.

    ``mask``, of the photograph's size, is white where it may change. On a CPU, the same arguments give the
    same pixels. ``state`` continues an interrupted run (see ``optimise``). The result keeps transparency and
    ICC profile.

    Raises:
        BadInputError: a goal that a network does not have.
        WorkFailedError: the optimisation diverges.
    """
    if mask is not None:
        mask = fit(mask, size)  # as the photograph is, so that both are of the same part
    plan = stages(photo, dreamers, settings, size, mask=mask, device=device)
    parameters, history = optimise(
        plan,
        optimizer="adam",
        rate=STRENGTHS[settings.strength].rate,
        keep="average",
        callbacks=callbacks,
        state=state,
        device=device,
    )
    canvas = _canvas(photo, mask, settings, size, device)
    with torch.no_grad():
        image = canvas.picture(parameters["spectrum"].to(device))
    rgb = image[0].permute(1, 2, 0).cpu().numpy().astype(np.float32)
    here = fit(photo, size)
    boundaries = tuple(accumulate(stage.steps for stage in plan[:-1]))
    return Dreamed(replace(here, rgb=rgb, height_map=False), history, boundaries)


def octaves(size: tuple[int, int], wanted: int | None) -> tuple[tuple[int, int], ...]:
    """Sizes from coarse to fine, a factor of 2 apart; the last one is ``size`` (width, height).

    Without a number ``wanted``, as many as keep the coarsest one's longer side at 384 px or more.
    """
    sizes = [size]
    while (len(sizes) < wanted) if wanted else (max(sizes[-1]) / 2 >= _COARSEST):
        smaller = round(sizes[-1][0] / 2), round(sizes[-1][1] / 2)
        if min(smaller) < 32:
            break
        sizes.append(smaller)
    return tuple(reversed(sizes))


def stages(
    photo: Picture,
    dreamers: Sequence[Dreamer],
    settings: DreamSettings,
    size: tuple[int, int],
    *,
    mask: Picture | None,
    device: torch.device,
) -> list[Stage]:
    """One stage for each octave; each has half the steps of the one before it, because it costs the most.

    ``mask`` has the last one's size.
    """
    sizes = octaves(size, settings.octaves)[-settings.iterations :]
    shares = [2.0**-number for number in range(len(sizes))]
    steps = [max(1, round(settings.iterations * share / sum(shares))) for share in shares]
    steps[0] = max(1, settings.iterations - sum(steps[1:]))
    region = Box() if mask is None else _region(mask)
    views = Views(settings.views, settings.closest, 1.0, settings.turn, settings.mirror, region)
    return [
        _stage(photo, dreamers, settings, mask, views, here, before, count, device)
        for here, before, count in zip(sizes, [None, *sizes], steps, strict=False)
    ]


def _stage(
    photo: Picture,
    dreamers: Sequence[Dreamer],
    settings: DreamSettings,
    mask: Picture | None,
    views: Views,
    size: tuple[int, int],
    before: tuple[int, int] | None,
    steps: int,
    device: torch.device,
) -> Stage:
    random = torch.Generator()

    def start(previous: Parameters | None) -> Parameters:
        canvas = _canvas(photo, mask, settings, size, device)
        if previous is not None and before is not None:
            smaller = _canvas(photo, mask, settings, before, device)
            return {"spectrum": canvas.enlarged(previous["spectrum"], smaller)}
        blank = canvas.blank()
        if settings.start == "noise":
            seeded = torch.Generator().manual_seed(settings.seed)
            blank += 0.1 * torch.randn(blank.shape, generator=seeded).to(device)
        return {"spectrum": blank}

    def reseed(step: int) -> None:
        # By the step, not by what was drawn before: a resumed run sees the same views.
        random.manual_seed(seed_of(settings.seed, size[0], step))

    def objective() -> Callable[[Parameters], Terms]:
        canvas = _canvas(photo, mask, settings, size, device)
        # Close enough to see the picture's own pixels, however large it is.
        native = max(dreamer.classifier.view.width for dreamer in dreamers) / min(size)
        near = replace(views, least=min(views.least, max(native, 0.02)))

        def rate(parameters: Parameters) -> Terms:
            image = canvas.picture(parameters["spectrum"])
            value = _value(dreamers, image, near, random)
            change = (image - canvas.photo).square().mean()
            variation = TotalVariation()(image, {})
            total = (
                -value
                + STRENGTHS[settings.strength].tie * change
                + settings.smoothness * _SMOOTHNESS_UNIT * variation
            )
            parts = {"goal": value, "change": change, "variation": variation}
            return Terms(total, {name: part.detach() for name, part in parts.items()})

        return rate

    return Stage(f"{size[0]} x {size[1]}", steps, start, objective, reseed)


def _value(dreamers: Sequence[Dreamer], image: Tensor, views: Views, random: torch.Generator) -> Tensor:
    """The mean over networks, so that one more of them does not make the dream stronger."""
    values = []
    for dreamer in dreamers:
        shape = dreamer.classifier.view
        seen = views.take(image, (shape.width, shape.height), random)
        values.append(answer(dreamer, seen))
    return torch.stack(values).mean()


def answer(dreamer: Dreamer, seen: Tensor) -> Tensor:
    """How far ``dreamer`` sees its goals reached in views ``seen`` (N, 3, H, W) of the size that it wants."""
    with _watched(dreamer) as activations:
        logits = dreamer.classifier.network(seen)
    return value_of(dreamer.goals, logits, activations)


@contextmanager
def _watched(dreamer: Dreamer) -> Iterator[Mapping[str, Tensor]]:
    """What the layers that the goals look at put out during the block."""
    found: dict[str, Tensor] = {}
    modules = dict(dreamer.classifier.network[1].named_modules())  # type: ignore[index]
    hooks = []
    for name in {layer for goal in dreamer.goals for layer in goal.layers}:
        if name not in modules:
            raise BadInputError(
                f"--layer {name}: {dreamer.classifier.name} has no such layer. Its blocks are: "
                f"{', '.join(blocks(dreamer.classifier))}."
            )

        def keep(_module: Any, _inputs: Any, output: Tensor, name: str = name) -> None:
            found[name] = output

        hooks.append(modules[name].register_forward_hook(keep))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def blocks(classifier: Classifier) -> list[str]:
    """The names of the layers worth dreaming on: the parts of the network's longest sequence of blocks."""
    network = classifier.network[1]  # type: ignore[index]
    sequences = [
        (name, len(module))
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Sequential)
    ]
    tops = [name for name, _ in network.named_children()]
    longest = max(sequences, key=lambda found: found[1], default=None)
    return tops if longest is None else [f"{longest[0]}.{number}" for number in range(longest[1])]


def _canvas(
    photo: Picture, mask: Picture | None, settings: DreamSettings, size: tuple[int, int], device: torch.device
) -> Canvas:
    here = _tensor(fit(photo, size), device)
    if settings.start == "noise":
        here = torch.full_like(here, 0.5)
    where = None if mask is None else _tensor(fit(mask, size), device).mean(1, keepdim=True)
    return Canvas(here, where)


def _region(mask: Picture) -> Box:
    """The smallest box round all that is rather white than black."""
    where = white(mask)
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if not rows.size:
        raise BadInputError("--mask: nothing in it is white. White is where the picture may change.")
    height, width = where.shape
    return Box(
        float(columns[0]) / width,
        float(rows[0]) / height,
        float(columns[-1] + 1) / width,
        float(rows[-1] + 1) / height,
    )


def _tensor(picture: Picture, device: torch.device) -> Tensor:
    return torch.from_numpy(picture.over_white()).permute(2, 0, 1).unsqueeze(0).contiguous().to(device)
