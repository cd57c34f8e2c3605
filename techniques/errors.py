"""What can go wrong, as types: each knows the exit status that the command line ends with."""

__all__ = ["BadInputError", "DeepdesignError", "InterruptedRunError", "WorkFailedError"]


class DeepdesignError(Exception):
    """Base of all errors whose message is written for the person at the keyboard: one plain line."""

    exit_status = 1


class BadInputError(DeepdesignError):
    """An argument or a file that was handed in is wrong; nothing has been written."""

    exit_status = 2


class WorkFailedError(DeepdesignError):
    """The inputs were right, but the work could not be finished."""

    exit_status = 1


class InterruptedRunError(DeepdesignError):
    """Someone asked the run to stop; what it had reached is kept in a checkpoint."""

    exit_status = 130
