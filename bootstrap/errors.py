"""The two ways in which the bootstrap stops: wrong input, and an item that could not be done."""


class WrongInputError(Exception):
    """Settings or arguments are wrong (exit status 2); nothing has been touched."""


class WrongSettingsError(WrongInputError):
    """The settings file ``source`` is wrong."""

    def __init__(self, message: str, source: str) -> None:
        super().__init__(message)
        self.source = source


class ItemError(Exception):
    """One item could not be done; the others go on (exit status 1)."""
