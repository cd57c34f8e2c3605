"""The main job on one machine: an environment that survives, and a technique on a real photograph.

``make demo`` runs this. Everything it does is done by the installed programs, and every command is printed,
so that it can be repeated by hand.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.resources import files
from pathlib import Path

from PIL import Image

# Both pictures come inside wheels; who made them, and under which licence, is printed with the result.
CONTENT = ("sklearn.datasets", "images/china.jpg", "a temple, by danielbuechele, CC BY 2.0")
STYLE = ("skimage", "data/coffee.png", "a cup of coffee, by Rachel Michetti, CC0")
PROGRAMS = Path(sysconfig.get_path("scripts"))


def main() -> int:
    """Run the demo; returns the first exit status that is not 0."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--output", type=Path, default=Path("outputs/demo"))
    options.add_argument("--size", type=int, default=448, help="longer side of the result, in pixels")
    options.add_argument(
        "--iterations", type=int, default=None, help="default: what `deepdesign style` takes"
    )
    chosen = options.parse_args()
    place = unused(chosen.output)
    place.mkdir(parents=True)

    try:
        environment_survives(place)
        result, report = picture_is_made(place, chosen.size, chosen.iterations)
    except subprocess.CalledProcessError as failed:
        print(
            f"\nThe demo stopped: `{failed.cmd[0]}` ended with exit status {failed.returncode}.",
            file=sys.stderr,
        )
        return int(failed.returncode)

    say("Done. Look at these:")
    print(f"  side by side  {place / 'side-by-side.jpg'}\n  the picture   {result}\n  the report    {report}")
    return 0


def environment_survives(place: Path) -> None:
    """Bootstrap a first machine, throw its HOME away, and find everything again on a second one."""
    storage, first, second = place / "storage", place / "home-of-machine-1", place / "home-of-machine-2"
    for folder in (storage, first, second):
        folder.mkdir()

    say("1. A rented machine starts with a new HOME. A student puts a key, a name and a program there.")
    (first / ".ssh").mkdir()
    key = first / ".ssh" / "id_ed25519"
    key.write_text("a stand-in for a private key: it opens nothing\n")
    key.chmod(0o644)
    (first / ".gitconfig").write_text("[user]\n\tname = A. Student\n")
    tool = first / ".local" / "bin" / "hello-studio"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho 'hello from the studio'\n")
    tool.chmod(0o755)
    print(
        f"  the key has mode {key.stat().st_mode & 0o777:o}: everybody may read it, and ssh would refuse it"
    )
    bootstrap(first, storage)

    say("2. The machine is given back and its HOME is gone. A second machine starts with the same storage.")
    shutil.rmtree(first)
    bootstrap(second, storage)

    say("3. On the second machine:")
    key = second / ".ssh" / "id_ed25519"
    print(
        f"  the key is back, with mode {key.stat().st_mode & 0o777:o} in a folder with mode "
        f"{key.parent.stat().st_mode & 0o777:o}"
    )
    run([str(second / ".local" / "bin" / "hello-studio")])
    run(["git", "config", "--file", str(second / ".gitconfig"), "user.name"])


def picture_is_made(place: Path, size: int, iterations: int | None) -> tuple[Path, Path]:
    """Transfer the style of one photograph to another; returns the picture and the report page."""
    say(f"4. Style transfer: {CONTENT[2]}, in the style of {STYLE[2]}.")
    content, style = (Path(str(files(package).joinpath(member))) for package, member, _ in (CONTENT, STYLE))
    result = place / "temple.png"
    command = [
        str(PROGRAMS / "deepdesign"),
        "style",
        str(content),
        str(style),
        "-o",
        str(result),
        "--size",
        str(size),
    ]
    run([*command, *([] if iterations is None else ["--iterations", str(iterations)])])
    side_by_side([content, style, result], place / "side-by-side.jpg")
    return result, result.with_suffix(".html")


def bootstrap(home: Path, storage: Path) -> None:
    run(
        [
            str(PROGRAMS / "deepdesign-bootstrap"),
            "apply",
            "--home",
            str(home),
            "--storage",
            str(storage),
            "--profile",
            "plain",
        ]
    )


def side_by_side(pictures: list[Path], target: Path, *, height: int = 400, gap: int = 8) -> None:
    """Write the pictures in one row of equal height, in pixels."""
    row = []
    for path in pictures:
        with Image.open(path) as picture:
            row.append(
                picture.convert("RGB").resize(
                    (round(picture.width * height / picture.height), height), Image.Resampling.LANCZOS
                )
            )
    sheet = Image.new("RGB", (sum(p.width for p in row) + gap * (len(row) - 1), height), "white")
    left = 0
    for picture in row:
        sheet.paste(picture, (left, 0))
        left += picture.width + gap
    sheet.save(target, quality=90)


def run(command: list[str]) -> None:
    """Print the command, so that it can be repeated by hand, and run it."""
    print(f"\n  $ {shlex.join(command)}", flush=True)
    subprocess.run(command, check=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def unused(path: Path) -> Path:
    """``path``, or the first of ``path-2``, ``path-3`` ... that does not exist: an earlier demo is kept."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


if __name__ == "__main__":
    sys.exit(main())
