"""What can go wrong, by who can mend it: the exit status follows from the type."""


class ImagesError(Exception):
    """The work failed: a plain sentence saying what happened and what to do next. Exit status 1."""

    status = 1


class UsageError(ImagesError):
    """The arguments or inputs are wrong. Exit status 2."""

    status = 2
