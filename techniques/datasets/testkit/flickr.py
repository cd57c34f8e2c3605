"""Flickr's interface, for whoever has a key."""

import math

from techniques.datasets.clock import Clock
from techniques.datasets.testkit.corpus import Work, matching
from techniques.datasets.testkit.server import Asked, Reply, Server, Window, as_json

# Number, name and deed as photos.licenses.getInfo gives them.
TABLE = (
    ("0", "All Rights Reserved", ""),
    (
        "1",
        "Attribution-NonCommercial-ShareAlike License",
        "https://creativecommons.org/licenses/by-nc-sa/2.0/",
    ),
    ("2", "Attribution-NonCommercial License", "https://creativecommons.org/licenses/by-nc/2.0/"),
    ("4", "Attribution License", "https://creativecommons.org/licenses/by/2.0/"),
    ("5", "Attribution-ShareAlike License", "https://creativecommons.org/licenses/by-sa/2.0/"),
    ("6", "Attribution-NoDerivs License", "https://creativecommons.org/licenses/by-nd/2.0/"),
    ("7", "No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    ("9", "Public Domain Dedication (CC0)", "https://creativecommons.org/publicdomain/zero/1.0/"),
)
_NUMBERS = {"by-nc-sa": "1", "by-nc": "2", "by": "4", "by-sa": "5", "by-nd": "6", "cc0": "9"}
_CEILING = 4000


class FakeFlickr(Server):
    """``files`` is where pictures lie; ``key`` the only one that is known."""

    def __init__(
        self,
        works: list[Work],
        files: str,
        *,
        key: str = "a-key",
        clock: Clock | None = None,
        rate: tuple[int, float] = (3600, 3600.0),
    ) -> None:
        super().__init__(clock)
        self.works, self.files, self.key = works, files, key
        self._window = Window(*rate)

    @property
    def endpoint(self) -> str:
        """What a client takes for ``https://api.flickr.com/services/rest/``."""
        return f"{self.url}/services/rest/"

    def answer(self, asked: Asked) -> Reply:
        """One call; errors come with status 200."""
        if (wait := self._window.take(asked.at)) is not None:
            return self.refuse("flickr-rate", Reply(429, b"", {"Retry-After": str(max(1, math.ceil(wait)))}))
        query = asked.query
        if query.get("api_key") != self.key:
            message = "Invalid API Key (Key has invalid format)"
            return self.refuse("flickr-key", as_json({"stat": "fail", "code": 100, "message": message}))
        if query.get("method") == "flickr.photos.licenses.getInfo":
            table = [{"id": number, "name": name, "url": url} for number, name, url in TABLE]
            return as_json({"licenses": {"license": table}, "stat": "ok"})
        if query.get("method") != "flickr.photos.search":
            return as_json(
                {"stat": "fail", "code": 112, "message": f'Method "{query.get("method")}" not found'}
            )
        return self._search(query)

    def _search(self, query: dict[str, str]) -> Reply:
        found = matching(self.works, query.get("text", ""))
        # A parameter of another name is ignored, and pictures of all licences come.
        if "license" in query:
            wanted = query["license"].split(",")
            found = [work for work in found if _NUMBERS.get(work.licence, "0") in wanted]
        elif "licence" in query:
            self.refused.append("flickr-license")
        size = min(500, int(query.get("per_page", "100")))
        page = int(query.get("page", "1"))
        if page * size > _CEILING:
            # No error: the last page again, for ever.
            self.refused.append("flickr-depth")
            page = _CEILING // size
        pages = math.ceil(len(found) / size)
        photos = [self._photo(work) for work in found[(page - 1) * size : page * size]]
        answer = {"page": page, "pages": pages, "perpage": size, "total": len(found), "photo": photos}
        return as_json({"photos": answer, "stat": "ok"})

    def _photo(self, work: Work) -> dict[str, object]:
        return {
            "id": str(50_000 + work.number),
            "owner": "12345678@N00",
            "title": work.title,
            "license": _NUMBERS.get(work.licence, "0"),
            "ownername": work.creator,
            "url_l": f"{self.files}/files/{work.file}",
            "height_l": work.height,
            "width_l": work.width,
        }
