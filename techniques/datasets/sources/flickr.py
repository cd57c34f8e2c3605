"""Flickr, with the user's own key: photographs of all its licences, of which the free ones are asked for.

https://www.flickr.com/services/api/flickr.photos.search.html. Its licences are numbers that have changed over
the years, so their table is asked for first. A search ends after 4,000 results: later pages repeat the last.
"""

import re
from collections.abc import Iterator
from typing import Any

from techniques.datasets.client import Client
from techniques.datasets.errors import BlockedError, PageChangedError, UnreachableError
from techniques.datasets.licences import Licence, licence
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import Query
from techniques.datasets.sources.base import Candidate, Page

ENDPOINT = "https://api.flickr.com/services/rest/"
KEY = "FLICKR_API_KEY"
RULES = {
    # 3,600 an hour is what its guide names.
    "api.flickr.com": HostRule(rates=((3600, 3600.0),), concurrency=2, api=True),
    "live.staticflickr.com": HostRule(rates=((300, 60.0),), concurrency=2, api=True),
}
_PAGE, _DEPTH = 100, 4000
_SIZES = ("url_l", "url_c", "url_z", "url_o")  # 1024, 800 and 640 px before an original of any size
_DEED = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(zero|mark)/)")
_REFUSED_KEY = {98, 99, 100}


class Flickr:
    """See `base.Source`."""

    name = "flickr"
    licensed = True
    needs_contact = False
    kinds: tuple[str, ...] = ("words",)

    def __init__(self, client: Client, endpoint: str = ENDPOINT, *, key: str) -> None:
        self._client, self._url, self._key = client, endpoint, key
        self._licences: dict[str, Licence] = {}

    def search(
        self, query: Query, licences: tuple[str, ...], cursor: dict[str, Any] | None
    ) -> Iterator[Page]:
        """Pages of 100, only of ``licences``, to the depth that the service has."""
        if not self._licences:
            self._licences = self._table()
        numbers = [number for number, terms in self._licences.items() if terms.slug in licences]
        number = int((cursor or {}).get("page", 1))
        while numbers and number <= _DEPTH // _PAGE:
            asked: dict[str, str | int] = {
                "text": " ".join([query.text, *(f"-{word}" for word in query.without)]),
                # `license`, not `licence`: another name is ignored, and photographs of all licences come.
                "license": ",".join(numbers),
                "media": "photos",
                "content_types": "0",
                "safe_search": 1,
                "sort": "relevance",
                "extras": f"license,owner_name,o_dims,{','.join(_SIZES)}",
                "per_page": _PAGE,
                "page": number,
            }
            photos = self._ask("flickr.photos.search", asked).get("photos")
            if not isinstance(photos, dict) or not isinstance(photos.get("photo"), list):
                raise PageChangedError("Flickr answered without 'photos': its interface has changed")
            number += 1
            more = number <= min(int(photos.get("pages") or 0), _DEPTH // _PAGE)
            found = [self._candidate(photo) for photo in photos["photo"] if isinstance(photo, dict)]
            yield Page(
                tuple(one for one in found if one is not None),
                {"page": number} if more else None,
                int(photos.get("total") or 0),
            )
            if not more:
                return

    def _table(self) -> dict[str, Licence]:
        try:
            listed = self._ask("flickr.photos.licenses.getInfo", {})["licenses"]["license"]
            table = {str(entry["id"]): _terms(str(entry.get("url") or "")) for entry in listed}
        except (KeyError, TypeError, AttributeError) as error:
            raise PageChangedError(
                "Flickr answered without its licences: its interface has changed"
            ) from error
        if not any(terms.slug for terms in table.values()):
            raise PageChangedError("Flickr's licences have no deeds that we know: its interface has changed")
        return table

    def _ask(self, method: str, asked: dict[str, str | int]) -> dict[str, Any]:
        fixed: dict[str, str | int] = {
            "method": method,
            "api_key": self._key,
            "format": "json",
            "nojsoncallback": 1,
        }
        data, _ = self._client.get_json(self._url, {**fixed, **asked})
        if data.get("stat") == "ok":
            return data
        code = data.get("code")
        if code in _REFUSED_KEY:
            raise BlockedError(f"Flickr does not know the key in ${KEY}", 200)
        if code == 105:
            raise UnreachableError("Flickr says that its search is not available at the moment")
        words = " ".join(str(data.get("message") or "it does not say why").split())[:200]
        raise BlockedError(f"Flickr refuses: {words.replace(self._key, '(your key)')}", 200)

    def _candidate(self, photo: dict[str, Any]) -> Candidate | None:
        size = next((name for name in _SIZES if photo.get(name)), None)
        if size is None:
            return None
        suffix = size.removeprefix("url_")
        number, owner = str(photo.get("id")), str(photo.get("owner") or "")
        terms = self._licences.get(str(photo.get("license")), Licence(""))
        title, creator = str(photo.get("title") or "Untitled"), str(photo.get("ownername") or owner)
        return Candidate(
            source=self.name,
            source_id=number,
            file_url=str(photo[size]),
            page_url=f"https://www.flickr.com/photos/{owner}/{number}",
            title=title,
            creator=creator,
            creator_url=f"https://www.flickr.com/people/{owner}/",
            licence=terms,
            attribution=f'"{title}" by {creator}, {terms.name}, via Flickr',
            licence_field="license",
            width=_number(photo.get(f"width_{suffix}")),
            height=_number(photo.get(f"height_{suffix}")),
        )


def _terms(url: str) -> Licence:
    """The licence whose deed lies at ``url``; empty for "all rights reserved" and "no known restrictions"."""
    match = _DEED.search(url)
    if match is None:
        return Licence("", url=url)
    if match.group(3):
        return licence("cc0" if match.group(3) == "zero" else "pdm")
    return licence(match.group(1), version=match.group(2))


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else None
