"""What a person is told: before anything is fetched, and when something could not be made."""

import json

import click

from techniques.aerial.cost import cost
from techniques.aerial.gazetteer import nearest
from techniques.aerial.run import Made
from techniques.aerial.services import Service
from techniques.aerial.tiles import Tiles
from techniques.aerial.windows import Window
from techniques.datasets.wording import counted
from techniques.progress import Progress

__all__ = ["list_services", "problem", "sorry", "tell"]


def tell(progress: Progress, pairs: list[tuple[Window, ...]], layers: list[Tiles]) -> None:
    """Where it is and what it costs, before anything is fetched."""
    first = pairs[0][0]
    place = first.centre
    progress.say(f"Where: {place.lat:.5f}, {place.lon:.5f}, {nearest(place)}.")
    for index, tiles in enumerate(layers):
        service = tiles.service
        terms = service.licence.name if service.licence.slug else "the provider's own terms"
        note = f"; {service.note}" if service.note else ""
        progress.say(f"Source: {service.title} ({terms}{note}). Credit: {service.attribution}.")
        progress.say(f"Takes: {cost([pair[index] for pair in pairs], tiles)}.")
    east, north = first.ellipsoid_m_per_px
    progress.say(
        f"Scale: {first.ground_m_per_px:.4g} m a pixel ({east:.4g} east, {north:.4g} north on WGS 84), "
        f"{first.width} x {first.height} pixels, zoom {first.zoom}{'' if first.exact else ', resampled'}"
        + (f", enlarged {2**first.enlarged} times." if first.enlarged else ".")
    )


def list_services(services: dict[str, Service], *, as_json: bool = False) -> None:
    """Say whom one can ask, and on which terms."""
    for service in services.values():
        if as_json:
            record = {
                "name": service.name,
                "title": service.title,
                "kind": service.kind,
                "license": service.licence.slug,
                "terms": service.terms,
                "zoom": [service.first_zoom, service.last_zoom],
                "key": service.key,
                "note": service.note,
            }
            click.echo(json.dumps(record))
            continue
        terms = service.licence.name if service.licence.slug else f"own terms: {service.terms}"
        facts = [service.kind, terms, f"zoom to {service.last_zoom}"]
        if service.key:
            facts.append(f"needs ${service.key}")
        if service.note:
            facts.append(service.note)
        click.echo(f"{service.name:12} {service.title} ({'; '.join(facts)})")
    if "demo" not in services:
        title = "A made-up town, without internet (demo-map: the same as a map)"
        click.echo(json.dumps({"name": "demo", "title": title}) if as_json else f"{'demo':12} {title}")


def problem(made: Made, asked: int, layers: list[Tiles]) -> str:
    """What went wrong with pictures that could not be made, and what to do; nothing if none did."""
    if made.stopped:
        return sorry(made.stopped, layers)
    if made.kept + made.dropped == asked:
        undo = "`deepdesign dataset undo FOLDER` brings them back"
        return "" if made.kept else f"All of these pictures were dropped by hand. {undo}."
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(made.reasons.items()))
    example = next(iter(made.examples.values()), "")
    advice = {
        "missing": "Choose a coarser --m-per-px, another --source, or allow --max-overzoom.",
        "flat": "Choose other places, or --keep-blank.",
        "placeholder": "The source has nothing there: choose a coarser --m-per-px or another --source.",
    }.get(next(iter(made.reasons), ""), "Run the same command again.")
    return f"{made.kept} of {counted(asked, 'picture')} could be made ({reasons}; at {example}). {advice}"


def sorry(text: str, layers: list[Tiles]) -> str:
    """``text`` with the one thing to do about it."""
    advice = "Run the same command again later, or choose another --source."
    if any(tiles.service.key for tiles in layers) and "40" in text:
        advice = f"Is the key in ${layers[0].service.key} right?"
    return f"{text[:1].upper()}{text[1:]}. {advice}"
