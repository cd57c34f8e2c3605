"""Licences of pictures: one name each, whatever a source calls them, judged by what is to be done. Pure.

Slugs are Openverse's. What a licence allows is in its deed at creativecommons.org.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

CC = ("by", "by-sa", "by-nc", "by-nc-sa", "by-nd", "by-nc-nd")
FREE = ("cc0", "pdm")
KNOWN = (*FREE, *CC)
# Terms of public mapping agencies, which no source of photographs uses.
OTHERS = {
    "etalab-2.0": ("Licence Ouverte 2.0", "https://www.etalab.gouv.fr/licence-ouverte-open-licence/"),
    "odbl": ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "ogl-uk-3.0": (
        "Open Government Licence 3.0",
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    ),
    "dl-de-by-2.0": ("Datenlizenz Deutschland BY 2.0", "https://www.govdata.de/dl-de/by-2-0"),
}

# All of a name is known, or it is none of these: "by permission" and "by Owner, all rights reserved" begin
# like a licence. Commons lists versions (cc-by-2.5,2.0,1.0); a country's text has its letters at the end.
_CC = re.compile(
    r"(?:cc-?)?by((?:-(?:nc|sa|nd))*)"
    r"(?:-?(\d\.\d)(?:[,-]+\d\.\d)*\+?(?:-(?:[a-z]{2}|igo|scotland|migrated|unported|generic|international))?)?"
)
_CC0 = re.compile(r"cc-?(?:0|zero)(?:-1\.0)?(?:-universal)?(?:-\(cc0-1\.0\))?(?:-public-domain-dedication)?")
_PUBLIC_DOMAIN = re.compile(r"(?:cc-)?pd|pdm(?:-1\.0)?|public-domain(?:-mark)?(?:-1\.0)?")
_WHY_PUBLIC = re.compile(r"pd(?:-[a-z0-9]+)+", re.IGNORECASE)  # as Commons calls the reasons: PD-old-100
_ORDER = ("nc", "sa", "nd")  # version 1.0 wrote nd-nc


@dataclass(frozen=True)
class Licence:
    """``slug`` is of `KNOWN` or `OTHERS`, or empty for others; ``version`` is such as ``4.0``."""

    slug: str
    version: str = ""
    url: str = ""

    @property
    def name(self) -> str:
        """As people write it, such as ``CC BY-SA 4.0``."""
        if self.slug == "cc0":
            return "CC0 1.0"
        if self.slug == "pdm":
            return "Public domain"
        if self.slug in OTHERS:
            return OTHERS[self.slug][0]
        return f"CC {self.slug.upper()} {self.version}".strip() if self.slug else "unknown licence"

    @property
    def commercial(self) -> bool:
        """Whether money may be made with it."""
        return bool(self.slug) and "nc" not in self.slug.split("-")

    @property
    def adaptation(self) -> bool:
        """Whether it may be changed: training on a picture and styling it are adaptations."""
        return bool(self.slug) and "nd" not in self.slug.split("-")


def licence(text: str, *, version: str = "", url: str = "") -> Licence:
    """The licence that a source calls ``text`` (``cc-by-sa-4.0``, ``CC BY 2.0``, ``pd``, ``by-nc`` ...).

    A missing ``url`` is derived. An unknown text gives an empty slug, never a guess.
    """
    plain = "-".join(text.strip().lower().replace("_", "-").split())
    if _CC0.fullmatch(plain):
        return Licence("cc0", "1.0", url or "https://creativecommons.org/publicdomain/zero/1.0/")
    if _PUBLIC_DOMAIN.fullmatch(plain) or _WHY_PUBLIC.fullmatch(text.strip()):
        return Licence("pdm", "1.0", url or "https://creativecommons.org/publicdomain/mark/1.0/")
    match = _CC.fullmatch(plain)
    if match is None:
        return Licence("", url=url)
    slug = "-".join(["by", *sorted(match[1].split("-")[1:], key=_ORDER.index)])
    if slug not in CC:
        return Licence("", url=url)
    version = match[2] or version
    return Licence(
        slug, version, url or (f"https://creativecommons.org/licenses/{slug}/{version}/" if version else "")
    )


def named(slug: str, *, version: str = "", url: str = "") -> Licence:
    """The licence that a record of ours calls by its ``slug``; empty for terms of the provider's own.

    Raises `ValueError` for a slug that is none.
    """
    if slug in OTHERS:
        return Licence(slug, version, url or OTHERS[slug][1])
    if slug and slug not in KNOWN:
        raise ValueError(f"{slug!r} is no licence we know; choose from {', '.join((*KNOWN, *OTHERS))}")
    return licence(slug, version=version, url=url)


def policy(
    *, named: Iterable[str] = (), commercial: bool = False, adaptation: bool = True
) -> tuple[str, ...]:
    """The slugs that may be collected: those named, or all that allow what is to be done.

    Raises `ValueError` for a name that is no licence.
    """
    wanted = [name.strip().lower() for name in named if name.strip()]
    for name in wanted:
        if name not in KNOWN:
            raise ValueError(f"{name!r} is no licence we know; choose from {', '.join(KNOWN)}")
    chosen = [Licence(slug) for slug in (wanted or KNOWN)]
    return tuple(
        one.slug
        for one in chosen
        if (one.commercial or not commercial) and (one.adaptation or not adaptation or one.slug in wanted)
    )
