"""The sources by name: those that we bring, and those that other packages register.

A package registers one as an entry point of the group ``deepdesign.sources``: its name, and a function that
takes the `Client` and gives a `base.Source`.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

from techniques.datasets.client import Client
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import Recipe
from techniques.datasets.sources import commons, flickr, openverse
from techniques.datasets.sources.base import Source
from techniques.datasets.sources.demo import NAME as DEMO
from techniques.datasets.sources.folder import Folder
from techniques.datasets.sources.urls import Urls
from techniques.errors import BadInputError

__all__ = ["DEFAULT", "GROUP", "chosen", "names", "not_promised", "rules"]

GROUP = "deepdesign.sources"
DEFAULT = ("openverse", "commons")
_ENDPOINTS = {
    "openverse": (openverse.ENDPOINT, openverse.RULES),
    "commons": (commons.ENDPOINT, commons.RULES),
    "flickr": (flickr.ENDPOINT, flickr.RULES),
}
_LOCAL: dict[str, Callable[[Path], Source]] = {"urls": Urls, "folder": Folder}


def not_promised(source: Source) -> str:
    """What a source of another package that knows no licences cannot promise; nothing for ours."""
    if source.licensed or source.name in _LOCAL:
        return ""
    return (
        f"{source.name} is no service that says whose a picture is, and may stop working any day: its "
        "pictures are only taken with --accept-unknown, and whether you may use them is yours to find out"
    )


def rules() -> dict[str, HostRule]:
    """What the hosts of our own sources ask of their clients."""
    return {host: rule for _, known in _ENDPOINTS.values() for host, rule in known.items()}


def names() -> list[str]:
    """All that ``--source`` knows."""
    return [*_ENDPOINTS, *_LOCAL, DEMO, *(point.name for point in entry_points(group=GROUP))]


def chosen(
    asked: Iterable[str], recipe: Recipe, base: Path, endpoints: Iterable[str], client: Client
) -> list[Source]:
    """The sources to ask, in order; those of lists and folders come by themselves where the recipe has such.

    Raises:
        BadInputError: there is no such source, or it lacks a contact or a key.
    """
    addresses = _addresses(endpoints, client)
    kinds = {query.kind for label in recipe.labels for query in label.queries}
    wanted = list(dict.fromkeys([*(name for name in _LOCAL if name in kinds), *asked]))
    if not asked:
        services = DEFAULT if kinds - set(_LOCAL) else ()
        wanted += [name for name in services if name not in wanted]
    return [_made(name, addresses, base, client) for name in wanted]


def _addresses(endpoints: Iterable[str], client: Client) -> dict[str, str]:
    addresses = {name: address for name, (address, _) in _ENDPOINTS.items()}
    hosts = rules()
    for text in endpoints:
        name, _, url = text.partition("=")
        if name not in addresses or not urlsplit(url).netloc:
            raise BadInputError(f"--endpoint {text}: write NAME=URL with one of {', '.join(addresses)}.")
        hosts[urlsplit(url).netloc] = hosts[urlsplit(addresses[name]).netloc]
        addresses[name] = url
    client.rules.update(hosts)
    return addresses


def _made(name: str, addresses: Mapping[str, str], base: Path, client: Client) -> Source:
    source: Source
    if name == "openverse":
        source = openverse.Openverse(client, addresses[name], account=_account())
    elif name == "commons":
        source = commons.Commons(client, addresses[name])
    elif name == "flickr":
        key = os.environ.get(flickr.KEY, "")
        if not key:
            raise BadInputError(
                "--source flickr needs a key of your own (flickr.com/services/api). "
                f"Put it into ${flickr.KEY}, never on a command line."
            )
        source = flickr.Flickr(client, addresses[name], key=key)
    elif name in _LOCAL:
        source = _LOCAL[name](base)
    else:
        source = _registered(name, client)
    if source.needs_contact and not client.contact:
        raise BadInputError(
            f"{'Wikimedia Commons' if name == 'commons' else name} wants to know who asks. Add --contact "
            "you@your.school (it is sent to them), or ask only others: --source openverse."
        )
    return source


def _account() -> tuple[str, str] | None:
    """The user's own account at Openverse, if there is one."""
    given = [os.environ.get(name, "") for name in (openverse.CLIENT_ID, openverse.CLIENT_SECRET)]
    if any(given) and not all(given):
        raise BadInputError(
            f"${openverse.CLIENT_ID} and ${openverse.CLIENT_SECRET} belong together. Set both, or neither."
        )
    return (given[0], given[1]) if all(given) else None


def _registered(name: str, client: Client) -> Source:
    for point in entry_points(group=GROUP):
        if point.name == name:
            try:
                made: Source = point.load()(client)
            except Exception as error:  # somebody else's code may fail in any way
                raise BadInputError(
                    f"--source {name} of {point.value} cannot be used: {type(error).__name__}: {error}."
                ) from error
            return made
    raise BadInputError(f"--source {name} is none we know. Choose from {', '.join(names())}.")
