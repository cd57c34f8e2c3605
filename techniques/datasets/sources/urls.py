"""A list of addresses of one's own: a text with one a line, or a CSV with a column ``url``.

In a class list: ``gothic: urls:gothic.csv``, beside the list. A CSV may say more: ``license``,
``license_version``, ``creator``, ``title``, ``page``. Without a licence nothing is taken unless asked for.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from techniques.datasets.errors import BlockedError
from techniques.datasets.licences import licence
from techniques.datasets.recipe import Query
from techniques.datasets.sources.base import Candidate, Page

_PAGE = 200
_LONGEST = 100_000_000


class Urls:
    """See `base.Source`."""

    name = "urls"
    licensed = False
    needs_contact = False
    kinds: tuple[str, ...] = ("urls",)

    def __init__(self, base: Path) -> None:
        self._base = base

    def search(
        self,
        query: Query,
        licences: tuple[str, ...],  # noqa: ARG002 - the list says what it says
        cursor: dict[str, Any] | None,
    ) -> Iterator[Page]:
        """Pages of 200 lines."""
        found = self._read(self._base / query.text)
        at = int((cursor or {}).get("at", 0))
        while at < len(found) or at == 0:
            following = at + _PAGE
            more = following < len(found)
            yield Page(tuple(found[at:following]), {"at": following} if more else None, len(found))
            at = following

    def _read(self, path: Path) -> list[Candidate]:
        try:
            if path.stat().st_size > _LONGEST:
                raise BlockedError(f"{path.name} has more than {_LONGEST // 1_000_000} MB", 0)
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BlockedError(f"{path} cannot be read as a text in UTF-8", 0) from error
        first = text.partition("\n")[0].casefold()
        if "url" in next(csv.reader([first]), []):
            rows = csv.DictReader(io.StringIO(text))
            facts = [
                {
                    (name or "").strip().casefold(): value or ""
                    for name, value in row.items()
                    if isinstance(value, str)
                }
                for row in rows
            ]
        else:
            facts = [{"url": line.strip()} for line in text.splitlines() if not line.startswith("#")]
        return [_candidate(one) for one in facts if one.get("url", "").strip()]


def _candidate(facts: dict[str, str]) -> Candidate:
    url = facts["url"].strip()
    terms = licence(
        facts.get("license", ""), version=facts.get("license_version", ""), url=facts.get("license_url", "")
    )
    title = facts.get("title") or urlsplit(url).path.rpartition("/")[2] or "Untitled"
    creator = facts.get("creator", "")
    return Candidate(
        source="urls",
        source_id=hashlib.sha256(url.encode()).hexdigest()[:24],
        file_url=url,
        page_url=facts.get("page") or facts.get("page_url") or url,
        title=title,
        creator=creator,
        creator_url=facts.get("creator_url", ""),
        licence=terms,
        attribution=facts.get("attribution")
        or f'"{title}" by {creator or "an unknown creator"}, {terms.name}',
        licence_field="license" if terms.slug else "",
    )
