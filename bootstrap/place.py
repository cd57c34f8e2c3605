"""Where a start happens: which home, which storage, under which profile and settings."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from bootstrap import image, names, profiles, settings, storage
from bootstrap.capabilities import Capabilities
from bootstrap.errors import WrongInputError, WrongSettingsError
from bootstrap.profiles import Profile
from bootstrap.settings import Settings
from bootstrap.storage import Storage
from bootstrap.trees import Tick, rest


class UserBase(NamedTuple):
    """Where one image and Python install for the user, in storage."""

    #: What PYTHONUSERBASE says.
    path: str
    #: What ``~/.local`` leads to.
    target: str
    #: Whether it is still to be taken over or made.
    new: bool = False


#: The bootstrap's own folder in HOME: local disk, gone with an ephemeral home.
LOCAL = ".deepdesign"


class Options(NamedTuple):
    """What was asked for; ``None`` and ``auto`` leave it to the environment."""

    home: str | None = None
    storage: str | None = None
    config: str | None = None
    profile: str = "auto"
    #: A notebook is starting: large trees wait for a person, a storage that is missing is not an error.
    starting: bool = False


class Place(NamedTuple):
    """Everything that the later stages need to know about this machine."""

    home: str
    storage: Storage
    profile: Profile
    settings: Settings
    starting: bool
    #: Whether HOME is not the one that ssh looks into.
    foreign_home: bool = False
    #: Whether the storage could be written at another time: it is full, or another start has it.
    hindered: bool = False
    #: What works in the storage: as it was tried, or assumed until it can be.
    capabilities: Capabilities = Capabilities()
    #: The name of this image and Python.
    image: str = ""
    #: Where this image and Python install for the user; ``None``: all share one ``.local``.
    base: UserBase | None = None
    #: The storage has what another script has put there, and nothing of ours yet.
    taken_over: bool = False
    #: Called while much is read: whoever holds the storage's lease keeps it so.
    tick: Tick = rest
    #: The file that the settings are from, whether or not there is one.
    source: str | None = None
    #: Whether the environment says whose notebook this is.
    person_is_named: bool = False

    @property
    def local(self) -> str:
        """The bootstrap's own folder in HOME."""
        return os.path.join(self.home, LOCAL)

    @property
    def links(self) -> bool:
        """Whether items of this home are linked to a storage."""
        return self.storage.root is not None and not self.profile.home_persists

    @property
    def writable(self) -> bool:
        """Whether the storage can be written."""
        return self.storage.state == storage.WRITABLE

    @property
    def items(self) -> str:
        """The folder in storage that holds the items."""
        return self.storage.items(self.settings.user)

    @property
    def is_everybodys(self) -> bool:
        """Whether all who share the storage get these items: nobody is named, or only by its settings."""
        alike = self.settings.user is None or (
            not self.person_is_named and self.source == self.storage.settings
        )
        return self.profile.shared and alike

    def target(self, item: str) -> str:
        """Where ``item`` is in storage."""
        if self.base is not None and item == ".local":
            return self.base.target
        return os.path.join(self.items, item)

    @property
    def asides(self) -> list[str]:
        """The folders of what was set aside, as far as they can be changed; storage's is the last."""
        folders = [os.path.join(self.local, "asides")]
        return [*folders, os.path.join(self.storage.own, "asides")] if self.writable else folders

    def read_only(self) -> "Place":
        """The same place without leave to write to the storage this time."""
        return self._replace(hindered=True, storage=self.storage._replace(state=storage.READ_ONLY))


def locate(options: Options, environment: Mapping[str, str], given: Settings | None = None) -> Place:
    """Decide on home, storage, profile and settings (unless they are given); wrong ones raise
    ``WrongInputError``.
    """
    named = options.profile
    if named == "auto":
        named = environment.get("DEEPDESIGN_PROFILE") or "auto"
    profile = profiles.choose(named, environment)
    home, foreign = find_home(options.home, environment)
    asked = options.storage if options.storage is not None else environment.get("DEEPDESIGN_STORAGE") or None
    found = storage.find(asked, profile, environment)
    config = options.config or environment.get("DEEPDESIGN_CONFIG") or None
    source = os.path.abspath(config) if config is not None else found.settings
    chosen = given or _settings(source, must_exist=config is not None)
    person = environment.get("DEEPDESIGN_USER")
    if person:
        chosen = chosen._replace(user=names.user(person, "DEEPDESIGN_USER"))
    place = Place(
        home,
        found,
        profile,
        chosen,
        options.starting,
        foreign,
        image=image.key(environment),
        source=source,
        person_is_named=bool(person),
    )
    if place.links:
        _check_apart(place)
    return place


def _settings(path: str | None, *, must_exist: bool) -> Settings:
    if path is None:
        return Settings()
    try:
        return settings.load(path, must_exist=must_exist)
    except WrongInputError as error:
        if not os.path.exists(path):
            raise
        raise WrongSettingsError(str(error), path) from None


def find_home(named: str | None, environment: Mapping[str, str]) -> tuple[str, bool]:
    """The home that is meant, and whether it is another one than the one on record for this user."""
    import pwd

    try:
        official = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        official = ""
    chosen = named if named is not None else environment.get("HOME", "")
    if named is None and not os.path.isabs(chosen):
        chosen = official
    if not chosen or "\0" in chosen:
        raise WrongInputError(
            "--home: HOME is not set and this user has none on record; name one with --home."
        )
    home = os.path.abspath(chosen)
    if not os.path.isdir(home):
        raise WrongInputError(f"--home: there is no folder {home}.")
    foreign = named is None and bool(official) and os.path.realpath(official) != os.path.realpath(home)
    return home, foreign


def _check_apart(place: Place) -> None:
    """Refuse a storage that lies in one of the items, and a home that lies in the storage's items."""
    home, root = os.path.realpath(place.home), os.path.realpath(place.storage.root or "")
    items = os.path.realpath(place.items)
    if home in (root, items) or home.startswith(items + "/"):
        raise WrongInputError(
            f"--storage: {root} and the home {home} are the same place; they must be two folders."
        )
    if root.startswith(home + "/"):
        first = root[len(home) + 1 :].partition("/")[0]
        if first == LOCAL or any(item.name == first for item in place.settings.items):
            raise WrongInputError(f"--storage: {root} lies inside ~/{first}, which is to be kept in it.")
