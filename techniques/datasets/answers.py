"""What a server said, as plain values: its headers, how long it asks to wait, how a refusal begins."""

import email.utils
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3.response import BaseHTTPResponse

__all__ = ["Answer", "first_words", "headers_of", "host_name", "retry_after", "same_origin", "span"]


@dataclass(frozen=True)
class Answer:
    """What came: ``headers`` by lower-case name, ``url`` after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    size: int


def headers_of(response: BaseHTTPResponse) -> dict[str, str]:
    """Its headers by lower-case name."""
    return {name.lower(): value for name, value in response.headers.items()}


def first_words(response: BaseHTTPResponse) -> str:
    """How its body begins, on one printable line."""
    text = response.read(300, decode_content=True).decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number, or a date)."""
    if not value:
        return None
    with suppress(ValueError):
        return max(0.0, float(value))
    with suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    return None


def host_name(url: str) -> str:
    """Whom ``url`` asks. Never the whole address in a message: its query may carry a key."""
    return urlsplit(url).hostname or "the host"


def same_origin(url: str, other: str) -> bool:
    """Whether what is secret for ``url`` may go to ``other``: the same host, and no less protected."""
    return urlsplit(url)[:2] == urlsplit(other)[:2]


def span(seconds: float) -> str:
    """A time as a person says it."""
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.0f} minutes"
