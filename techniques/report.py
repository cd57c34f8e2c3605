"""One page for people: before and after, the style, the loss curve, and how it was made. Needs no network."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from PIL import Image

from techniques.models import Models, viewer_script
from techniques.pictures import Picture, in_srgb

__all__ = ["GENERATOR", "Curve", "Page", "Table", "Trade", "curve", "data_uri", "render", "trade"]

GENERATOR = "deepdesign report"  # in the page's <meta>: how we know a page of ours again
_SHOWN = 1600  # px, longer side: the page stays a few megabytes however large the result
_THUMBNAIL = 480
_WIDTH, _HEIGHT = 640, 220  # of the curve, in SVG units


@dataclass(frozen=True)
class Curve:
    """A loss over the steps, ready to draw: SVG polyline points, and the labels of its axes."""

    points: str
    first: str
    last: str
    steps: int
    boundaries: tuple[float, ...]
    title: str = "Loss"
    logarithmic: bool = True


@dataclass(frozen=True)
class Trade:
    """How much form was given for how much style, ready to draw: dots with labels, joined in their order.

    ``ends`` are the least and the greatest distance to the content, then to the style.
    """

    points: str
    dots: tuple[tuple[float, float, str], ...]
    ends: tuple[str, str, str, str]


@dataclass(frozen=True)
class Table:
    """Rows of words; the first row names the columns, and ``note`` says what they mean."""

    title: str
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Page:
    """What a report shows. ``facts`` and ``settings`` are label and value, already worded for people."""

    title: str
    before: Picture
    after: Picture
    styles: Sequence[tuple[str, Picture]]
    curve: Curve | None
    facts: Sequence[tuple[str, str]]
    settings: Sequence[tuple[str, str]]
    weights: Mapping[str, str]
    """What is said of the network; empty where none had a part."""
    command: str
    models: Models | None = None
    """A mesh before and after, to turn about; the two pictures are one view of it."""
    tables: Sequence[Table] = ()
    sources_title: str = ""
    """Over the pictures in ``styles``, where they are no styles."""
    note: str = ""
    """What is to be seen in those pictures, where that needs words."""
    sheet: Picture | None = None
    """All pictures of a batch on one."""
    trade: Trade | None = None


def curve(
    values: Sequence[float],
    boundaries: Sequence[int] = (),
    *,
    title: str = "Loss",
    logarithmic: bool = True,
) -> Curve | None:
    """``values`` as a curve over the steps, on a logarithmic axis or not; None if there is nothing to draw.

    ``boundaries`` are the steps at which a new stage began.
    """
    if len(values) < 2:
        return None
    logs = [math.log(max(value, 1e-12)) for value in values] if logarithmic else list(values)
    low, high = min(logs), max(logs)
    span = (high - low) or 1.0
    across = _WIDTH / (len(logs) - 1)
    points = " ".join(f"{i * across:.1f},{_HEIGHT * (high - y) / span:.1f}" for i, y in enumerate(logs))
    return Curve(
        points,
        f"{values[0]:.3g}",
        f"{values[-1]:.3g}",
        len(values),
        tuple(round(b * across, 1) for b in boundaries),
        title,
        logarithmic,
    )


def trade(pairs: Sequence[tuple[float, float]], labels: Sequence[str]) -> Trade | None:
    """Distances to the content and to the style as one curve; None if it has no length.

    The lower, the more of the style; the further left, the more of the content. ``labels`` are of its dots;
    a place with an empty one has none.
    """
    if len(pairs) < 2:
        return None
    axes = []
    for values in zip(*pairs, strict=True):
        low, high = min(values), max(values)
        axes.append([(one - low) / ((high - low) or 1.0) for one in values])
    places = [
        (round(x * _WIDTH, 1), round((1 - y) * _HEIGHT, 1)) for x, y in zip(axes[0], axes[1], strict=True)
    ]
    content, style = ([pair[axis] for pair in pairs] for axis in (0, 1))
    return Trade(
        " ".join(f"{x},{y}" for x, y in places),
        tuple((x, y, label) for (x, y), label in zip(places, labels, strict=True) if label),
        (f"{min(content):.3g}", f"{max(content):.3g}", f"{min(style):.3g}", f"{max(style):.3g}"),
    )


def render(page: Page) -> str:
    """The page as one HTML text, its pictures inside."""
    environment = Environment(
        loader=PackageLoader("techniques"), autoescape=select_autoescape(default=True), trim_blocks=True
    )
    return environment.get_template("report.html").render(
        page=page,
        generator=GENERATOR,
        viewer_script=viewer_script() if page.models else "",
        before=data_uri(page.before, _SHOWN),
        after=data_uri(page.after, _SHOWN),
        styles=[(name, data_uri(picture, _THUMBNAIL)) for name, picture in page.styles],
        sheet=data_uri(page.sheet, _SHOWN) if page.sheet else "",
        aspect=f"{page.after.size[0] / page.after.size[1]:.4f}",
        width=_WIDTH,
        height=_HEIGHT,
    )


def data_uri(picture: Picture, longest: int) -> str:
    """``picture`` as a JPEG for an ``<img>``, in sRGB over white, at most ``longest`` px a side."""
    colours = in_srgb(picture).over_white()
    image = Image.fromarray((colours.clip(0, 1) * 255).round().astype("uint8"))
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    options: dict[str, Any] = {"quality": 88, "optimize": True}
    image.save(buffer, "JPEG", **options)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
