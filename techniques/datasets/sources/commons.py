"""Wikimedia Commons, by full text or down a category's tree.

https://www.mediawiki.org/wiki/API:Main_page. Its operators ask for a User-Agent with a contact, at most
200 requests a minute at all their sites together and three at a time (two for files, at 25 Mbit/s), and
thumbnails in their standard widths only (https://w.wiki/GHai), whose addresses its answers give.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from techniques.datasets.client import Client
from techniques.datasets.errors import BlockedError, PageChangedError, RateLimitedError
from techniques.datasets.licences import licence
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import Query
from techniques.datasets.sources.base import Candidate, Page

ENDPOINT = "https://commons.wikimedia.org/w/api.php"
_API = HostRule(rates=((200, 60.0),), concurrency=3, needs_contact=True, api=True, operator="wikimedia")
_FILES = replace(_API, concurrency=2, bytes_per_second=25e6 / 8)
RULES = {"commons.wikimedia.org": _API, "upload.wikimedia.org": _FILES, "thumb.wikimedia.org": _FILES}
WIDTH = 1280  # one of the standard steps, and more than any training here uses
_PAGE = 50  # at most so many scaled pictures a request
_DEEPEST = 2  # a category's grandchildren still mean it; beyond, "Churches" reaches "Bus stops"
_LAGGED_TRIES = 5
_FIELDS = "Artist|Attribution|License|LicenseShortName|LicenseUrl|ObjectName|Copyrighted|Restrictions"


class Commons:
    """See `base.Source`."""

    name = "commons"
    licensed = True
    needs_contact = True
    kinds: tuple[str, ...] = ("words", "category")

    def __init__(self, client: Client, endpoint: str = ENDPOINT) -> None:
        self._client, self._url = client, endpoint

    def search(
        self,
        query: Query,
        licences: tuple[str, ...],  # noqa: ARG002 - Commons cannot search by licence
        cursor: dict[str, Any] | None,
    ) -> Iterator[Page]:
        """Pages of 50; of all licences: each answer says which, and whoever asks judges."""
        if query.kind == "category":
            yield from self._walk(query, cursor)
            return
        words = " ".join([query.text, *(f"-{word}" for word in query.without)])
        asked: dict[str, str | int] = {
            "generator": "search",
            "gsrsearch": f"filetype:bitmap {words}",
            "gsrnamespace": 6,
            "gsrlimit": _PAGE,
        }
        going_on = dict(cursor or {})
        while True:
            candidates, following, total = self._files({**asked, **going_on})
            yield Page(candidates, following, total)
            if following is None:
                return
            going_on = following

    def _walk(self, query: Query, cursor: dict[str, Any] | None) -> Iterator[Page]:
        first = query.text if query.text.lower().startswith("category:") else f"Category:{query.text}"
        state = cursor or {"queue": [[first, 0]], "seen": [first], "continue": {}}
        queue, seen, going_on = list(state["queue"]), list(state["seen"]), dict(state["continue"])
        while queue:
            # A third part says where the list of its subcategories goes on, once its files have come.
            title, depth, *rest = queue[0]
            asked: dict[str, str | int] = {
                "generator": "categorymembers",
                "gcmtitle": title,
                "gcmtype": "file",
                "gcmlimit": _PAGE,
            }
            candidates, following, _ = ((), None, None) if rest else self._files({**asked, **going_on})
            going_on = following or {}
            if following is None:
                queue.pop(0)
                if depth < _DEEPEST:
                    children, more = self._children(title, *rest)
                    new = [child for child in dict.fromkeys(children) if child not in seen]
                    seen += new
                    queue += [[child, depth + 1] for child in new]
                    # As many as an answer names at a time: a cursor with thousands stands in every row.
                    queue += [[title, depth, more]] if more and [more] != rest else []
            yield Page(
                candidates,
                {"queue": [*queue], "seen": [*seen], "continue": going_on} if queue else None,
                None,
            )

    def _children(self, title: str, going_on: Mapping[str, Any] | None = None) -> tuple[list[str], Any]:
        """Subcategories of ``title``, 500 at most, and how to ask for those that follow."""
        asked = {"list": "categorymembers", "cmtitle": title, "cmtype": "subcat", "cmlimit": 500}
        data = self._ask({**asked, **(going_on or {})})
        members = data.get("query", {}).get("categorymembers", [])
        return [str(member["title"]) for member in members], data.get("continue")

    def _files(
        self, asked: dict[str, str | int]
    ) -> tuple[tuple[Candidate, ...], dict[str, Any] | None, int | None]:
        """One page of files, made whole: an answer without ``batchcomplete`` gives some facts only later."""
        info: dict[str, str | int] = {
            "prop": "imageinfo",
            "iiprop": "url|size|mime|sha1|mediatype|extmetadata",
            "iiurlwidth": WIDTH,
            "iiextmetadatafilter": _FIELDS,
        }
        pages: dict[int, dict[str, Any]] = {}
        going_on: dict[str, Any] = {}
        total = None
        while True:
            data = self._ask({**asked, **info, **going_on})
            total = data.get("query", {}).get("searchinfo", {}).get("totalhits", total)
            for page in data.get("query", {}).get("pages", []):
                pages.setdefault(page["pageid"], {}).update(page)
            going_on = data.get("continue", {})
            if "batchcomplete" in data or not going_on:
                break
        # The order in an answer is by page number; the rank is in `index`.
        ranked = sorted(pages.values(), key=lambda page: page.get("index", 0))
        found = tuple(_candidate(page) for page in ranked if _usable(page))
        return found, going_on or None, total

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_LAGGED_TRIES):
            data, answer = self._client.get_json(
                self._url, {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5, **asked}
            )
            problem = data.get("error")
            if problem is None:
                if "query" not in data and "batchcomplete" not in data:
                    raise PageChangedError(
                        "Wikimedia Commons answered in another shape: its interface has changed"
                    )
                return data
            if problem.get("code") not in ("maxlag", "ratelimited"):
                raise BlockedError(
                    f"Wikimedia Commons refuses: {problem.get('info', problem.get('code'))}", 200
                )
            # Told in a body with status 200: its servers are behind, and robots shall wait (API:Etiquette).
            wait = answer.headers.get("retry-after", "")
            self._client.clock.sleep(float(wait) if wait.isdigit() else 5.0)
        raise RateLimitedError(
            "Wikimedia Commons is too busy for robots at the moment; run the same command later"
        )


def _usable(page: dict[str, Any]) -> bool:
    info: list[dict[str, Any]] = page.get("imageinfo") or []
    return bool(info) and info[0].get("mediatype", "BITMAP") == "BITMAP" and bool(info[0].get("url"))


def _candidate(page: dict[str, Any]) -> Candidate:
    info = page["imageinfo"][0]
    facts = {name: str(entry.get("value", "")) for name, entry in (info.get("extmetadata") or {}).items()}
    field = "License" if facts.get("License") else "LicenseShortName"
    terms = licence(facts.get(field, ""), url=facts.get("LicenseUrl", ""))
    title = plain(facts.get("ObjectName", "")) or str(page["title"]).removeprefix("File:").rsplit(".", 1)[0]
    creator = plain(facts.get("Artist", ""))
    own = plain(facts.get("Attribution", ""))
    return Candidate(
        source="commons",
        source_id=str(page["pageid"]),
        file_url=str(info.get("thumburl") or info["url"]),
        page_url=str(info.get("descriptionurl") or ""),
        title=title,
        creator=creator,
        creator_url=_first_link(facts.get("Artist", "")),
        licence=terms,
        attribution=own or f'"{title}" by {creator or "unknown"}, {terms.name}, via Wikimedia Commons',
        licence_field=f"extmetadata.{field}",
        width=info.get("width"),
        height=info.get("height"),
        sha1=str(info.get("sha1") or ""),
        creator_markup=facts.get("Artist", ""),
    )


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def plain(markup: str) -> str:
    """The text of a piece of HTML, on one line."""
    reader = _Text()
    reader.feed(markup)
    reader.close()
    return " ".join("".join(reader.words).split())


def _first_link(markup: str) -> str:
    match = re.search(r'href="((?:https?:)?//[^"]+)"', markup)
    if not match:
        return ""
    address = html.unescape(match.group(1))
    return f"https:{address}" if address.startswith("//") else address
