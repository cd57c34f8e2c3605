"""Names of entries: decoded, judged, and made presentable. Pure."""

import re
import unicodedata
from pathlib import PurePosixPath

# What an ext4, APFS or NTFS folder takes for one name, and a depth that no real dataset has.
LONGEST_NAME = 255
LONGEST_PATH = 1024
DEEPEST = 40

# Left behind by Finder, Explorer and Jupyter; as "images" or "classes" they break a training hours later.
_JUNK_FOLDERS = {
    "__macosx",
    ".ipynb_checkpoints",
    ".trashes",
    ".spotlight-v100",
    ".fseventsd",
    "$recycle.bin",
}
_JUNK_FILES = {".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db", ".localized"}
_DRIVE = re.compile(r"[A-Za-z]:")
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*]|[. ]$')


def is_junk(path: PurePosixPath) -> bool:
    """Whether an operating system or an editor left this file or folder behind."""
    parts = [part.lower() for part in path.parts]
    return (
        any(part in _JUNK_FOLDERS for part in parts) or parts[-1] in _JUNK_FILES or parts[-1].startswith("._")
    )


def decode(raw: bytes, encoding: str | None = None) -> str:
    """Text of a name whose encoding the archive does not say.

    Macs and Linux write UTF-8 without saying so, which no other encoding of a real name passes for; otherwise
    code page 437, what the ZIP specification (APPNOTE 6.3.10, appendix D) falls back to. A wrong guess
    is a strange name, never a lost one: both are total or refuse.
    """
    if encoding is not None:
        return raw.decode(encoding, errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def safe_path(name: str) -> tuple[PurePosixPath, str]:
    """Where an entry may be written, relative to the target, and what speaks against it (or nothing).

    Backslashes are separators: only Windows programs that ignore the ZIP specification write them. Letters
    with accents come back composed (NFC); Macs pack them decomposed, and two spellings of one
    name would otherwise be two files here and one there.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/")
    if "\0" in text:
        return PurePosixPath("_"), "has a NUL byte in its name"
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        return PurePosixPath("_"), "has control characters in its name"
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        return PurePosixPath("_"), "has a name in an unknown encoding (--encoding names it)"
    if text.startswith("/") or _DRIVE.match(text):
        return PurePosixPath("_"), "has an absolute path"
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        return PurePosixPath("_"), "leads out of the folder (..)"
    if not parts:
        return PurePosixPath("."), ""
    path = PurePosixPath(*parts)
    if max(len(part.encode()) for part in parts) > LONGEST_NAME or len(str(path).encode()) > LONGEST_PATH:
        return path, "has a name that is too long for a disk"
    if len(parts) > DEEPEST:
        return path, f"lies more than {DEEPEST} folders deep"
    return path, ""


def same_name(path: PurePosixPath) -> str:
    """What two paths share if they are one file on a Mac or on Windows."""
    return unicodedata.normalize("NFC", str(path).casefold())


def fails_on_windows(path: PurePosixPath) -> bool:
    """Whether Windows cannot hold a file of this name."""
    return any(_WINDOWS_DEVICE.fullmatch(part) or _WINDOWS_FORBIDDEN.search(part) for part in path.parts)


def shown(name: str, longest: int = 80) -> str:
    """The name fit for a terminal: nothing in it can move the cursor, recolour or reorder the line."""
    text = "".join(
        letter if letter.isprintable() and unicodedata.category(letter) != "Cf" else ascii(letter)[1:-1]
        for letter in name
    )
    return text if len(text) <= longest else f"{text[: longest // 2]}...{text[-longest // 2 + 3 :]}"
