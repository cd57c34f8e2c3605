"""The bootstrap's own files in HOME, and the link that shows storage to the browser's editor."""

import os

from bootstrap import commands, completion, environment, kernel, plugins
from bootstrap.actions import Action, Link, Remove, Write
from bootstrap.place import Place
from bootstrap.plan import Group


def plan_environment(place: Place, *, ipython: bool = False) -> Group:
    """The environment file, if it is not as it should be; ``ipython``: it has a folder here."""
    path = os.path.join(place.local, environment.NAME)
    content = environment.render(place, ipython=ipython).encode("utf-8", "surrogateescape")
    return Group("environment", () if _has(path, content, 0o600) else (Write(path, content, 0o600),))


def plan_commands(place: Place) -> Group:
    """Wrappers that are missing, differ, or are named by nothing any more."""
    folder = os.path.join(place.local, "bin")
    metadata = commands.distribution()
    found = [plugin for shelf in plugins.look(place) for plugin in shelf.plugins]
    wanted = commands.wrappers(place.settings.commands, metadata, found)
    steps: list[Action] = []
    ours = [*commands.console_scripts(metadata), commands.PROGRAM]
    steps += _write(os.path.join(place.local, completion.NAME), completion.render(set(ours)))
    for name, text in sorted(wanted.items()):
        path, content = os.path.join(folder, name), text.encode("utf-8", "surrogateescape")
        # A command line may hold a token: its wrapper is nobody else's to read.
        if not _has(path, content, 0o700):
            steps.append(Write(path, content, 0o700))
    try:
        present = os.listdir(folder)
    except OSError:
        present = []
    for name in sorted(set(present) - set(wanted)):
        stale = read(os.path.join(folder, name))
        if stale is not None and commands.is_ours(stale):
            steps.append(Remove(os.path.join(folder, name)))
    return Group("commands", tuple(steps))


def plan_kernel(place: Place) -> Group:
    """The kernel of this image, where the image's own is not in view, and only there."""
    path, content = kernel.path(place), kernel.wanted(place)
    if content is None:
        return Group("kernel", (Remove(path),) if os.path.lexists(path) else ())
    return Group("kernel", () if _has(path, content, 0o600) else (Write(path, content, 0o600),))


def _write(path: str, text: str) -> tuple[Action, ...]:
    content = text.encode("utf-8", "surrogateescape")
    return () if _has(path, content, 0o600) else (Write(path, content, 0o600),)


def plan_notebooks(place: Place) -> Group:
    """The link to storage in the folder that the browser shows; whatever stands at its place stays."""
    setting, root = place.settings.notebooks, place.storage.root
    folder = setting if isinstance(setting, str) else place.profile.notebooks
    if setting is False or not folder or root is None or not os.path.isdir(folder):
        return Group("notebooks")
    path = os.path.join(folder, os.path.basename(root) or "storage")
    real = os.path.realpath(root)
    if os.path.lexists(path) or (os.path.realpath(folder) + "/").startswith(real + "/"):
        return Group("notebooks")
    if (real + "/").startswith(os.path.realpath(folder) + "/"):
        return Group("notebooks")
    return Group("notebooks", (Link(path, root),))


def read(path: str) -> bytes | None:
    """The content of one of our small files, or ``None`` for whatever else stands there."""
    try:
        with os.fdopen(
            os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb"
        ) as file:
            return file.read(1024 * 1024)
    except OSError:
        return None


def _has(path: str, content: bytes, mode: int) -> bool:
    return read(path) == content and os.stat(path).st_mode & 0o777 == mode
