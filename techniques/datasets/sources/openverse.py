"""Openverse: openly licensed pictures of many museums and of Flickr, with creator and licence for each.

https://api.openverse.org/v1/ (its OpenAPI page). Without an account: pages of 20; with one (OAuth 2.0, client
credentials): of up to 50, and fifty times as many a day. Both reach 240 results deep, and every answer states
its rates in ``X-RateLimit-*`` headers.
"""

import re
from collections.abc import Iterator
from typing import Any

from techniques.datasets.answers import Answer
from techniques.datasets.client import Client
from techniques.datasets.errors import BlockedError, PageChangedError, RateLimitedError
from techniques.datasets.licences import licence
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import Query
from techniques.datasets.sources.base import Candidate, Page

ENDPOINT = "https://api.openverse.org/v1"
# Until its first answer has told its own.
RULES = {"api.openverse.org": HostRule(rates=((20, 60.0),), concurrency=1, api=True)}

CLIENT_ID, CLIENT_SECRET = "OPENVERSE_CLIENT_ID", "OPENVERSE_CLIENT_SECRET"
# Of 50 the fifth page would end below the depth, and is refused.
_PAGE, _PAGE_WITH_ACCOUNT, _DEPTH = 20, 48, 240
_EARLIER = 60.0  # seconds before its end that a token is renewed
_RATE = re.compile(r"(\d+)/(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Openverse:
    """See `base.Source`."""

    name = "openverse"
    licensed = True
    needs_contact = False
    kinds: tuple[str, ...] = ("words",)

    def __init__(
        self, client: Client, endpoint: str = ENDPOINT, *, account: tuple[str, str] | None = None
    ) -> None:
        self._client, self._url = client, f"{endpoint.rstrip('/')}/images/"
        self._account, self._token_url = account, f"{endpoint.rstrip('/')}/auth_tokens/token/"
        self._token, self._token_until = "", 0.0
        self._exhausted = False

    def search(
        self, query: Query, licences: tuple[str, ...], cursor: dict[str, Any] | None
    ) -> Iterator[Page]:
        """Pages of 20 (48 with an account), to the depth that the service allows."""
        # A cursor is good for the pages that it was made with; an account may have come since.
        size = int((cursor or {}).get("size", _PAGE_WITH_ACCOUNT if self._account else _PAGE))
        if not self._account and size > _PAGE:
            size, cursor = _PAGE, None
        number = int((cursor or {}).get("page", 1))
        while (number - 1) * size < _DEPTH:
            if self._exhausted:
                raise RateLimitedError(
                    "Openverse has answered all that it allows in a day; run the same command tomorrow"
                )
            text = " ".join([query.text, *(f"-{word}" for word in query.without)])
            asked: dict[str, str | int] = {
                "q": text,
                "page": number,
                "page_size": size,
                "license": ",".join(licences),
                "mature": "false",
            }
            data, answer = self._client.get_json(self._url, asked, self._authorization())
            self._learn(answer)
            pages, results = data.get("page_count"), data.get("results")
            if not isinstance(pages, int) or not isinstance(results, list):
                raise PageChangedError("Openverse answered without 'results': its interface has changed")
            number += 1
            more = number <= pages and number * size <= _DEPTH
            yield Page(
                tuple(_candidate(item) for item in results if isinstance(item, dict) and item.get("url")),
                {"page": number, "size": size} if more else None,
                data.get("result_count"),
            )
            if not more:
                return

    def _authorization(self) -> dict[str, str]:
        """The header of a registered client; a token holds ten hours, a run may take longer."""
        if self._account is None:
            return {}
        if self._client.clock.monotonic() >= self._token_until:
            name, secret = self._account
            form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
            try:
                given = self._client.post_form(self._token_url, form)
                self._token, seconds = str(given["access_token"]), float(given["expires_in"])
            except BlockedError as error:
                raise BlockedError(
                    f"Openverse does not know the account in ${CLIENT_ID} and ${CLIENT_SECRET}", error.status
                ) from error
            except (KeyError, TypeError, ValueError) as error:
                raise PageChangedError("Openverse gave no token: its interface has changed") from error
            self._token_until = self._client.clock.monotonic() + seconds - _EARLIER
        return {"Authorization": f"Bearer {self._token}"}

    def _learn(self, answer: Answer) -> None:
        rates = []
        for name, value in answer.headers.items():
            match = _RATE.match(value)
            if name.startswith("x-ratelimit-limit-") and match and int(match.group(1)):
                rates.append((int(match.group(1)), _SECONDS[match.group(2)]))
            if name.startswith("x-ratelimit-available-") and name.endswith("_sustained"):
                self._exhausted = value == "0"
        if rates:
            # A day's allowance is the service's to count: pacing it would be a run of a day.
            self._client.change_rates(
                answer.url, tuple(rate for rate in rates if rate[1] < 86400.0) or ((1, 1.0),)
            )


def _candidate(item: dict[str, Any]) -> Candidate:
    terms = licence(
        str(item.get("license") or ""),
        version=str(item.get("license_version") or ""),
        url=str(item.get("license_url") or ""),
    )
    return Candidate(
        source="openverse",
        source_id=str(item.get("id")),
        file_url=str(item["url"]),
        page_url=str(item.get("foreign_landing_url") or ""),
        title=str(item.get("title") or "Untitled"),
        creator=str(item.get("creator") or ""),
        creator_url=str(item.get("creator_url") or ""),
        licence=terms,
        attribution=str(item.get("attribution") or ""),
        licence_field="license",
        width=item.get("width"),
        height=item.get("height"),
    )
