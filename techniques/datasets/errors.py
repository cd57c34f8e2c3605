"""What can stop a source, as types: "no results" is never the answer to a refusal."""


class SourceError(Exception):
    """A service did not give what was asked for; the text is one plain line."""


class RateLimitedError(SourceError):
    """The service asks to wait longer than a run should; ``retry_after`` in seconds, if it said."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BlockedError(SourceError):
    """The service refuses us; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class GoneError(SourceError):
    """There is nothing at this address any more (404, 410)."""


class PageChangedError(SourceError):
    """The answer has another shape than its documentation says."""


class ForbiddenAddressError(SourceError):
    """The address is none that a public picture lies at: private network, other scheme, endless redirects."""


class TooLargeError(SourceError):
    """More bytes than allowed."""


class UnreachableError(SourceError):
    """Nobody answered in time, or answers kept breaking off; another run may succeed."""


class ContactNeededError(SourceError):
    """The service wants to know who asks, and no contact was given."""


class RecipeError(Exception):
    """The class list cannot be used; the text names the line."""
