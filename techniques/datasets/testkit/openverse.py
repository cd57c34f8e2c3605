"""Openverse's interface, as an anonymous client meets it, and one with an account."""

import math
from dataclasses import dataclass
from urllib.parse import quote

from techniques.datasets.clock import Clock
from techniques.datasets.licences import KNOWN, licence
from techniques.datasets.testkit.corpus import Work, matching
from techniques.datasets.testkit.server import Asked, Reply, Server, Window, as_json

_OLD_NAMES = {"li": "license", "lt": "license_type", "pagesize": "page_size", "provider": "source"}
_DEPTH = 240
_TOKEN_SECONDS = 36_000


@dataclass(frozen=True)
class _Scope:
    """What a kind of client is allowed."""

    name: str
    burst: Window
    sustained: Window
    page: int

    def headers(self, now: float) -> dict[str, str]:
        """As every answer states them."""
        return {
            f"X-RateLimit-Limit-{self.name}_burst": f"{self.burst.count}/min",
            f"X-RateLimit-Available-{self.name}_burst": str(self.burst.left(now)),
            f"X-RateLimit-Limit-{self.name}_sustained": f"{self.sustained.count}/day",
            f"X-RateLimit-Available-{self.name}_sustained": str(self.sustained.left(now)),
        }


class FakeOpenverse(Server):
    """``files`` is where pictures lie, such as a `FakeFiles`' url; ``accounts`` are ids and their secrets."""

    def __init__(
        self,
        works: list[Work],
        files: str,
        *,
        clock: Clock | None = None,
        burst: tuple[int, float] = (20, 60.0),
        sustained: tuple[int, float] = (200, 86400.0),
        accounts: dict[str, str] | None = None,
    ) -> None:
        super().__init__(clock)
        self.works, self.files = works, files
        self._anonymous = _Scope("anon", Window(*burst), Window(*sustained), 20)
        self._registered = _Scope("oauth2_client_credentials", Window(100, 60.0), Window(10_000, 86400.0), 50)
        self._accounts, self.tokens = accounts or {}, dict[str, float]()
        """Tokens that were given, and until when they hold."""

    @property
    def endpoint(self) -> str:
        """What a client takes for ``https://api.openverse.org/v1``."""
        return f"{self.url}/v1"

    def answer(self, asked: Asked) -> Reply:
        """One request, with the rate headers that every answer has."""
        if asked.path == "/v1/auth_tokens/token/":
            return self._token(asked)
        scope = self._anonymous
        if given := asked.headers.get("authorization"):
            if self.tokens.get(given.removeprefix("Bearer "), 0.0) <= asked.at:
                detail = "Authentication credentials were invalid or expired."
                return self.refuse("openverse-token", as_json({"detail": detail}, 401))
            scope = self._registered
        for rule, window in (("openverse-burst", scope.burst), ("openverse-sustained", scope.sustained)):
            if (wait := window.take(asked.at)) is not None:
                seconds = max(1, math.ceil(wait))
                detail = f"Request was throttled. Expected available in {seconds} seconds."
                headers = {"Retry-After": str(seconds), **scope.headers(asked.at)}
                return self.refuse(rule, as_json({"detail": detail}, 429, headers))
        if asked.path != "/v1/images/":
            return as_json({"detail": "Not found."}, 404)
        reply = self._search(asked.query, scope.page)
        return Reply(reply.status, reply.body, scope.headers(asked.at), reply.content_type)

    def _token(self, asked: Asked) -> Reply:
        """OAuth 2.0, client credentials (RFC 6749, 4.4)."""
        form = asked.form or {}
        known = form.get("client_id") in self._accounts
        right = known and self._accounts[form["client_id"]] == form.get("client_secret")
        if form.get("grant_type") != "client_credentials" or not right:
            return self.refuse("openverse-token", as_json({"error": "invalid_client"}, 401))
        token = f"token-{len(self.tokens) + 1}"
        self.tokens[token] = asked.at + _TOKEN_SECONDS
        return as_json(
            {"access_token": token, "expires_in": _TOKEN_SECONDS, "token_type": "Bearer", "scope": "read"}
        )

    def _search(self, query: dict[str, str], largest: int) -> Reply:
        for old, new in _OLD_NAMES.items():
            if old in query:
                return self._invalid(old, f"Parameter '{old}' is deprecated in favor of '{new}'.")
        page, size = int(query.get("page", "1")), int(query.get("page_size", "20"))
        if size > largest:
            if largest > 20:
                return self._invalid("page_size", f"must be at most {largest}.")
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
