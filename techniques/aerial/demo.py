"""The sources ``demo`` and ``demo-map``: a made-up town from this machine, for lessons without internet."""

from contextlib import ExitStack
from dataclasses import replace

from techniques.aerial.services import Service, parse
from techniques.aerial.testkit.paint import town_map, town_photo
from techniques.aerial.testkit.tiles import FakeTiles

__all__ = ["NAMES", "demo_services"]

NAMES = ("demo", "demo-map")


def demo_services(stack: ExitStack) -> dict[str, Service]:
    """Start the town's servers, to be stopped with ``stack``, and give their records."""
    found: dict[str, Service] = {}
    for name, kind, paint in (("demo", "photo", town_photo), ("demo-map", "map", town_map)):
        server = stack.enter_context(FakeTiles(paint, deepest=20, identified=False))
        record = (
            f"- {{name: {name}, title: 'A made-up town, {kind}', kind: {kind}, type: xyz, zoom: [0, 20], "
            f"url: '{server.template}', license: cc0, attribution: 'A made-up town (no real place)', "
            "terms: 'https://creativecommons.org/publicdomain/zero/1.0/', rate: [6000, 60], at_once: 8}"
        )
        # One town, at whichever port it stands today.
        found[name] = replace(parse(record, name)[name], identity=name)
    return found
