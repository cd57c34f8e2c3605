"""What stops the bootstrap: wrong input. What cannot be done is told item by item and stops nothing."""


class WrongInputError(Exception):
    """Settings or arguments are wrong (exit status 2); nothing has been touched."""


class NotDoneError(Exception):
    """What was asked for cannot be done here and now (exit status 1); the message says what to do."""


class WrongSettingsError(WrongInputError):
    """The settings file ``source`` is wrong."""

    def __init__(self, message: str, source: str) -> None:
        super().__init__(message)
        self.source = source
