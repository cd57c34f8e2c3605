"""Openverse's interface, as an anonymous client meets it."""

import math
from urllib.parse import quote

from techniques.datasets.clock import Clock
from techniques.datasets.licences import KNOWN, licence
from techniques.datasets.testkit.corpus import Work, matching
from techniques.datasets.testkit.server import Asked, Reply, Server, Window, as_json

_OLD_NAMES = {"li": "license", "lt": "license_type", "pagesize": "page_size", "provider": "source"}
_DEPTH = 240


class FakeOpenverse(Server):
    """``files`` is where pictures lie, such as a `FakeFiles`' url."""

    def __init__(
        self,
        works: list[Work],
        files: str,
        *,
        clock: Clock | None = None,
        burst: tuple[int, float] = (20, 60.0),
        sustained: tuple[int, float] = (200, 86400.0),
    ) -> None:
        super().__init__(clock)
        self.works, self.files = works, files
        self._burst, self._sustained = Window(*burst), Window(*sustained)

    @property
    def endpoint(self) -> str:
        """What a client takes for ``https://api.openverse.org/v1``."""
        return f"{self.url}/v1"

    def answer(self, asked: Asked) -> Reply:
        """One request, with the rate headers that every answer has."""
        for rule, window in (("openverse-burst", self._burst), ("openverse-sustained", self._sustained)):
            if (wait := window.take(asked.at)) is not None:
                seconds = max(1, math.ceil(wait))
                detail = f"Request was throttled. Expected available in {seconds} seconds."
                reply = as_json(
                    {"detail": detail}, 429, {"Retry-After": str(seconds), **self._rates(asked.at)}
                )
                return self.refuse(rule, reply)
        if asked.path != "/v1/images/":
            return as_json({"detail": "Not found."}, 404)
        reply = self._search(asked.query)
        return Reply(reply.status, reply.body, self._rates(asked.at), reply.content_type)

    def _rates(self, now: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit-anon_burst": f"{self._burst.count}/min",
            "X-RateLimit-Available-anon_burst": str(self._burst.left(now)),
            "X-RateLimit-Limit-anon_sustained": f"{self._sustained.count}/day",
            "X-RateLimit-Available-anon_sustained": str(self._sustained.left(now)),
        }

    def _search(self, query: dict[str, str]) -> Reply:
        for old, new in _OLD_NAMES.items():
            if old in query:
                return self._invalid(old, f"Parameter '{old}' is deprecated in favor of '{new}'.")
        page, size = int(query.get("page", "1")), int(query.get("page_size", "20"))
        if size > 20:
            detail = "page_size must be between 1 & 20 for unauthenticated requests."
            return self.refuse("openverse-page-size", as_json({"detail": detail}, 401))
        if page * size > _DEPTH:
            reply = as_json({"detail": f"page_size * page must not exceed {_DEPTH}."}, 400)
            return self.refuse("openverse-depth", reply)
        allowed = query.get("license", "").split(",") if query.get("license") else list(KNOWN)
        for slug in allowed:
            if slug not in KNOWN:
                return self._invalid("license", f"License '{slug}' does not exist.")
        found = [work for work in matching(self.works, query.get("q", "")[:200]) if work.licence in allowed]
        pages = min(math.ceil(len(found) / size), _DEPTH // size)
        items = [self._item(work) for work in found[(page - 1) * size : page * size]]
        return as_json(
            {
                "result_count": len(found),
                "page_count": pages,
                "page_size": size,
                "page": page,
                "results": items,
            }
        )

    def _invalid(self, name: str, why: str) -> Reply:
        detail = f"Invalid input given for fields. '{name}' -> {why}"
        return self.refuse("openverse-parameters", as_json({"detail": detail, "fields": [name]}, 400))

    def _item(self, work: Work) -> dict[str, object]:
        terms = licence(work.licence, version=work.version)
        return {
            "id": f"00000000-0000-4000-8000-{work.number:012d}",
            "title": work.title,
            "indexed_on": "2026-01-01T00:00:00Z",
            "foreign_landing_url": f"{self.files}/page/{work.number}",
            "url": f"{self.files}/files/{work.file}",
            "creator": work.creator or None,
            "creator_url": f"{self.files}/people/{quote(work.creator)}",
            "license": work.licence,
            "license_version": work.version,
            "license_url": terms.url,
            "provider": "flickr",
            "source": "flickr",
            "category": None,
            "filesize": None,
            "filetype": None,
            "tags": [],
            "attribution": f'"{work.title}" by {work.creator} is licensed under {terms.name}. '
            f"To view a copy of this license, visit {terms.url}.",
            "fields_matched": ["title"],
            "mature": False,
            "height": work.height,
            "width": work.width,
            "thumbnail": f"{self.url}/v1/images/{work.number}/thumb/",
            "detail_url": f"{self.url}/v1/images/{work.number}/",
            "related_url": f"{self.url}/v1/images/{work.number}/related/",
            "unstable__sensitivity": [],
        }
