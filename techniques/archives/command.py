"""``deepdesign unpack`` and ``deepdesign pack``: the command line's view of archives."""

import json
import time
from pathlib import Path
from typing import Any

import click

from techniques.archives.errors import ArchiveError
from techniques.archives.limits import MB, Limits
from techniques.archives.names import shown
from techniques.archives.pack import Content, check_target, content
from techniques.archives.pack import pack as write_archive
from techniques.archives.unpack import Settings, Unpacked, read_plan
from techniques.archives.unpack import unpack as write_folder
from techniques.errors import BadInputError
from techniques.files import output_problems, write_text
from techniques.options import file_options
from techniques.progress import Progress, progress_for
from techniques.runs import is_record, refuse_taken, versions

_NAMED = 5


@click.command(short_help="Unpack a zip or tar, safely, beside itself.")
@click.argument("archive")
@file_options("The folder to unpack into. Default: a folder of the archive's name, beside it.")
@click.option("--list", "list_only", is_flag=True, help="Only say what is inside and what would be done.")
@click.option("--skip-unsafe", is_flag=True, help="Leave unsafe or damaged entries out and unpack the rest.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@click.option(
    "--number-collisions", is_flag=True, help="Keep both of two files with one name, as 'a' and 'a (2)'."
)
@click.option(
    "--max-ratio",
    type=click.FloatRange(min=1),
    default=Limits.max_ratio,
    show_default=True,
    help="Largest growth, unpacked over packed, of an archive with more than 100 MB.",
)
@click.option(
    "--max-files",
    type=click.IntRange(min=1),
    default=Limits.max_files,
    show_default=True,
    help="Most entries.",
)
@click.option("--encoding", help="Of names that do not say theirs, such as cp932 (Japan) or cp866 (Russia).")
@click.option("--password-file", help="A file whose first line is the password.")
def unpack(
    archive: str,
    output: str | None,
    quiet: bool,
    as_json: bool,
    list_only: bool,
    encoding: str | None,
    password_file: str | None,
    **chosen: Any,
) -> None:
    """Unpack ARCHIVE (zip, tar, tar.gz, tar.bz2, tar.xz).

    Everything is looked at before anything is written: an archive with an unsafe or damaged entry is
    refused whole, and nothing that is there already is replaced.
    """
    began = time.monotonic()
    path = _readable(archive)
    settings = Settings(encoding=_known(encoding), password=_password(password_file), **chosen)
    folder = None if output is None else Path(output).absolute()
    progress = progress_for(quiet=quiet, as_json=as_json)
    try:
        if list_only:
            _list(path, folder, settings, as_json=as_json)
            return
        result = write_folder(path, folder, settings, _counting(progress, "unpacking"))
    except ArchiveError as error:
        raise BadInputError(f"{archive}: {error}.") from error
    finally:
        progress.end()
    _tell_unpacked(progress, result)
    record = _record(
        "unpack",
        {"archive": str(path), "output": output, **chosen, "encoding": encoding},
        [str(result.folder)],
        {
            "files": result.files,
            "bytes": result.size,
            "junk": len(result.junk),
            "skipped": [{"name": one.name, "reason": one.reason} for one in result.skipped],
        },
        began,
    )
    _finish(result.record, record, as_json=as_json)
    if not as_json and not quiet:
        click.echo(str(result.folder))


@click.command(short_help="Pack a folder for download, with a report of what is big.")
@click.argument("folder")
@file_options("The archive to write, ending in .zip. Default: FOLDER.zip, beside the folder.")
@click.option("--list", "list_only", is_flag=True, help="Only say what would be packed and how big it is.")
@click.option("--overwrite", is_flag=True, help="Replace the archive if it is there already.")
def pack(
    folder: str, output: str | None, quiet: bool, as_json: bool, list_only: bool, overwrite: bool
) -> None:
    """Pack FOLDER into a zip that every computer opens.

    The same files give the same archive, byte for byte. What Macs, Windows and Jupyter leave behind stays
    out, and so do links.
    """
    began = time.monotonic()
    source = Path(folder).absolute()
    if not source.is_dir():
        raise BadInputError(f"{folder} is not a folder. Name the folder that is to be packed.")
    target = source.with_name(f"{source.name}.zip") if output is None else Path(output).absolute()
    if target.suffix.lower() != ".zip" or not target.parent.is_dir() or not source.name:
        raise BadInputError(f"-o {target}: name a file that ends in .zip, in a folder that exists.")
    record_path = target.with_suffix(".run.json")
    progress = progress_for(quiet=quiet, as_json=as_json)
    try:
        with output_problems(target):
            found = content(source, target)
            if not list_only:
                check_target(found, target, overwrite=overwrite)
                ours = is_record(record_path, command="pack", result=target)
                refuse_taken(target, [record_path], ours=ours, advice="Name another file.")
            _tell_content(progress, found)
            if list_only:
                _list_content(found, target, as_json=as_json)
                return
            result = write_archive(found, target, _counting(progress, "packing"), overwrite=overwrite)
    except ArchiveError as error:
        raise BadInputError(f"{folder}: {error}.") from error
    finally:
        progress.end()
    progress.say(
        f"{result.path.name}: {_size(result.size)} packed from {_size(found.size)}, sha256 {result.sha256}"
    )
    record = _record(
        "pack",
        {"folder": str(source), "output": output, "overwrite": overwrite},
        [str(result.path)],
        {
            "files": len(found.members),
            "bytes": found.size,
            "packed_bytes": result.size,
            "sha256": result.sha256,
            "junk": len(found.junk),
            "links": list(found.links),
        },
        began,
    )
    _finish(record_path, record, as_json=as_json)
    if not as_json and not quiet:
        click.echo(str(result.path))


def _list_content(found: Content, target: Path, *, as_json: bool) -> None:
    for member in found.members:
        if as_json:
            click.echo(json.dumps({"event": "file", "name": member.name, "bytes": member.size}))
        else:
            click.echo(f"{member.size:>13,}  {shown(member.name, 200)}")
    if as_json:
        total = {"files": len(found.members), "bytes": found.size, "target": str(target)}
        left_out = {"junk": list(found.junk), "links": list(found.links)}
        click.echo(json.dumps({"event": "list", **total, **left_out}))


def _list(path: Path, folder: Path | None, settings: Settings, *, as_json: bool) -> None:
    _, decided, target = read_plan(path, folder, settings)
    if as_json:
        for item in decided.files:
            click.echo(json.dumps({"event": "file", "name": str(item.path), "bytes": item.size}))
        for refusal in decided.refused:
            click.echo(json.dumps({"event": "refused", "name": refusal.name, "reason": refusal.reason}))
        total = {"files": len(decided.files), "bytes": decided.size, "target": str(target)}
        left_out = {"junk": list(decided.junk), "refused": len(decided.refused)}
        click.echo(json.dumps({"event": "list", **total, **left_out}))
        return
    for item in decided.files:
        click.echo(f"{item.size:>13,}  {shown(str(item.path), 200)}")
    for refusal in decided.refused:
        click.echo(f"      refused  {shown(refusal.name, 200)} {refusal.reason}")
    for name in decided.junk:
        click.echo(f"         junk  {shown(name, 200)}")
    click.echo(f"{len(decided.files)} files, {_size(decided.size)}, would go to {target}")


def _tell_unpacked(progress: Progress, result: Unpacked) -> None:
    if result.junk:
        progress.say(
            f"Left out: {len(result.junk)} files that Mac, Windows or Jupyter leave behind, "
            f"{_some(result.junk)}."
        )
    for refusal in result.skipped[:_NAMED]:
        progress.say(f"Left out: {shown(refusal.name)!r} {refusal.reason}.")
    if len(result.skipped) > _NAMED:
        progress.say(f"Left out: {len(result.skipped) - _NAMED} more; run.json names them all.")
    for note in result.notes:
        progress.say(f"Note: {note}.")
    progress.say(f"{result.files} files, {_size(result.size)}, in {result.folder}")


def _tell_content(progress: Progress, found: Content) -> None:
    for title, sums in (("folder", found.by_folder()), ("type", found.by_type())):
        for name, (files, size) in list(sums.items())[:_NAMED]:
            progress.say(f"{title} {shown(name)}: {files} files, {_size(size)}")
    if found.junk:
        progress.say(
            f"Left out: {len(found.junk)} that Mac, Windows or Jupyter leave behind, {_some(found.junk)}."
        )
    if found.links:
        progress.say(
            f"Left out: {len(found.links)} links, {_some(found.links)}; copy the files in if they are needed."
        )


def _counting(progress: Progress, what: str) -> Any:
    def report(done: int, total: int, name: str) -> None:  # noqa: ARG001 - the bar counts bytes
        progress.advance(what, done, total, {})

    return report


def _record(
    command: str, arguments: dict[str, Any], results: list[str], metrics: dict[str, Any], began: float
) -> dict[str, Any]:
    return {
        "command": command,
        "arguments": arguments,
        "seed": 0,
        "device": "cpu",
        "weights": {},
        "versions": versions(),
        "results": results,
        "metrics": metrics,
        "seconds": round(time.monotonic() - began, 3),
    }


def _finish(place: Path, record: dict[str, Any], *, as_json: bool) -> None:
    write_text(place, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    if as_json:
        click.echo(json.dumps(record))


def _readable(name: str) -> Path:
    path = Path(name).absolute()
    try:
        if not path.exists():
            raise BadInputError(
                f"{name} does not exist. Check the spelling, and put quotes round a path with spaces."
            )
        if path.is_dir():
            raise BadInputError(f"{name} is a folder. Name an archive, or pack it with: deepdesign pack.")
        if not path.is_file():
            raise BadInputError(f"{name} is not an ordinary file. Name an archive.")
        with path.open("rb"):
            return path
    except (OSError, ValueError) as error:
        raise BadInputError(f"{name} cannot be read: {error}. Check its name and its mode.") from error


def _known(encoding: str | None) -> str | None:
    if encoding is not None:
        try:
            b"".decode(encoding)
        except LookupError as error:
            raise BadInputError(
                f"--encoding {encoding} is none that Python knows. Try utf-8, cp437 or cp932."
            ) from error
    return encoding


def _password(name: str | None) -> bytes | None:
    if name is None:
        return None
    try:
        return (Path(name).read_bytes().splitlines() or [b""])[0]
    except OSError as error:
        raise BadInputError(
            f"--password-file {name} cannot be read: {error.strerror}. Check the path."
        ) from error


def _some(names: tuple[str, ...]) -> str:
    return f"such as {shown(names[0])!r}"


def _size(size: int) -> str:
    return f"{size / MB:.1f} MB" if size >= MB / 10 else f"{size:,} bytes"
