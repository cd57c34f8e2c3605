"""What ``prerun.sh`` calls: ``python -I -m bootstrap.hook``, light, with no arguments.

Exit status: 0, the environment file is current and may be sourced; 4, it may not, and the reason has been
said.
"""

import os
import sys

READY, SAID_WHY = 0, 4


def main() -> int:
    """Bring the environment back; say on standard error what a person should know."""
    from bootstrap.errors import WrongInputError
    from bootstrap.place import Options
    from bootstrap.start import run

    try:
        result = run(Options(starting=True), os.environ)
    except WrongInputError as error:
        _clear_the_way()
        _say([f"{error} Nothing was brought back; Jupyter starts without it."])
        return SAID_WHY
    from bootstrap import report

    text = report.lines(result, everything=False)
    _say(text)
    if not result.has_environment:
        return SAID_WHY
    _log(result.place.local, "\n".join(report.lines(result)) + "\n")
    return READY if result.environment_is_current else SAID_WHY


def _clear_the_way() -> None:
    from bootstrap.errors import WrongInputError
    from bootstrap.place import find_home
    from bootstrap.start import remove_lost_links

    try:
        remove_lost_links(find_home(None, os.environ)[0])
    except (WrongInputError, OSError):
        return


def _say(lines: list[str]) -> None:
    if sys.stderr is None:
        return
    from bootstrap.names import printable

    for line in lines:
        data = f"deepdesign: {printable(line)}\n".encode("utf-8", "backslashreplace")
        try:
            os.write(sys.stderr.fileno(), data)
        except OSError:
            return


def _log(folder: str, text: str) -> None:
    """Keep what was said, for `status` and for people; a start that changes nothing writes nothing."""
    path = os.path.join(folder, "last-start.log")
    content = text.encode("utf-8", "backslashreplace")
    try:
        with open(path, "rb") as file:
            if file.read() == content:
                return
    except OSError:
        pass
    from bootstrap.system import RealSystem

    system, draft = RealSystem(), f"{path}.{os.getpid()}"
    try:
        system.write_file(draft, content, 0o600)
        system.rename(draft, path)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
