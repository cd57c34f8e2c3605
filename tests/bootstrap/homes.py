"""A scratch home and storage, and what is in them."""

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bootstrap import start
from bootstrap.place import Options
from bootstrap.system import System

DEFAULT_NAMES = (
    *(".local", ".ssh", ".config", ".jupyter", ".ipython", ".conda", ".kaggle", ".fastai"),
    *(".gitconfig", ".git-credentials", ".bash_history"),
)


class Scratch(NamedTuple):
    """One machine's home and the storage that outlives it."""

    home: Path
    storage: Path

    @property
    def cfg(self) -> Path:
        return self.storage / "cfg"

    @property
    def local(self) -> Path:
        return self.home / ".deepdesign"

    def apply(
        self,
        system: System | None = None,
        *,
        profile: str = "plain",
        starting: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> start.Result:
        options = Options(str(self.home), str(self.storage), None, profile, starting)
        return start.run(options, environment or {}, system)

    def look(self, profile: str = "plain") -> start.Result:
        return start.look(Options(str(self.home), str(self.storage), None, profile), {})

    def settings(self, text: str) -> None:
        self.cfg.mkdir(exist_ok=True)
        (self.cfg / "bootstrap.yaml").write_text(text)

    def next_machine(self) -> "Scratch":
        """Another machine on the same storage, with a fresh home."""
        for number in range(2, 100):
            home = self.home.with_name(f"home{number}")
            if not home.exists():
                home.mkdir()
                return Scratch(home, self.storage)
        raise AssertionError("too many machines")


def put(path: Path, text: str = "", mode: int = 0o644) -> Path:
    """Write a file and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def tree(folder: Path) -> dict[str, tuple[str, int, str]]:
    """Everything below ``folder``: kind, permissions, and content or target."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        kind = stat.filemode(state.st_mode)[0]
        content = ""
        if kind == "l":
            content = str(path.readlink())
        elif kind == "-":
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(folder))] = (kind, stat.S_IMODE(state.st_mode), content)
    return found


def bytes_anywhere(*folders: Path) -> set[str]:
    """The hashes of all regular files below ``folders`` that a user could have written."""
    found = set()
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                found.add(hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def user_bytes(*folders: Path) -> set[str]:
    """The same without what the bootstrap writes about itself."""
    found = set()
    for folder in folders:
        for path in folder.rglob("*"):
            inside = path.relative_to(folder).parts
            kept = "asides" in inside or "python" in inside
            if (".deepdesign" not in inside or kept) and path.is_file() and not path.is_symlink():
                found.add(hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def program(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``deepdesign-bootstrap`` as a person does, in an environment of nothing but what is given."""
    return subprocess.run(
        [sys.executable, "-I", "-m", "bootstrap", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )
