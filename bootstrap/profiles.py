"""Where storage is on each platform, and what a home is there: one row each.

A platform is recognised by its environment variables, never by a folder: a /storage exists on many machines.
"""

from collections.abc import Mapping
from typing import NamedTuple

from bootstrap.errors import WrongInputError


class Profile(NamedTuple):
    """One platform."""

    name: str
    #: Any of these variables, set and not empty, means this platform.
    detect: tuple[str, ...]
    #: Folders that may be the storage; the first that is really a mount is taken. ``$NAME`` is a variable.
    storage: tuple[str, ...]
    #: Whether HOME is gone when the notebook stops.
    home_is_ephemeral: bool
    #: Whether HOME itself is the storage, so that nothing has to be linked.
    home_persists: bool
    #: The folder that the browser's editor shows; a link to storage goes there.
    notebooks: str | None
    #: Whether the storage is usually shared by a team, which is said once when keys go there.
    shared: bool
    #: How the platform calls the bootstrap; said in messages, not acted upon.
    hook: str


PROFILES = (
    Profile(
        "gradient",
        ("PAPERSPACE_NOTEBOOK_REPO_ID", "PAPERSPACE_FQDN", "PAPERSPACE_METRIC_WORKLOAD_ID"),
        ("/storage",),
        home_is_ephemeral=True,
        home_persists=False,
        notebooks="/notebooks",
        shared=True,
        hook="entrypoint, or /storage/pre-run.sh where the image sources it",
    ),
    Profile(
        "runpod",
        ("RUNPOD_POD_ID", "RUNPOD_ENDPOINT_ID"),
        ("/workspace", "/runpod-volume"),
        home_is_ephemeral=True,
        home_persists=False,
        notebooks=None,
        shared=False,
        hook="entrypoint, or /pre_start.sh",
    ),
    Profile(
        "vast",
        ("VAST_CONTAINERLABEL",),
        ("$WORKSPACE", "/workspace"),
        home_is_ephemeral=True,
        home_persists=False,
        notebooks=None,
        shared=False,
        hook="on-start script",
    ),
    Profile(
        "sagemaker",
        ("SAGEMAKER_SPACE_NAME",),
        (),
        home_is_ephemeral=False,
        home_persists=True,
        notebooks=None,
        shared=False,
        hook="lifecycle configuration",
    ),
    Profile(
        "jupyterhub",
        ("JUPYTERHUB_API_TOKEN",),
        (),
        home_is_ephemeral=False,
        home_persists=True,
        notebooks=None,
        shared=False,
        hook="before-notebook.d, or postStart",
    ),
    Profile(
        "plain",
        (),
        (),
        home_is_ephemeral=False,
        home_persists=False,
        notebooks=None,
        shared=False,
        hook="by hand",
    ),
)

NAMES = ("auto", "gradient", "runpod", "vast", "jupyterhub", "sagemaker", "plain")
#: Set in images of this project: they are laid out like the first profile wherever they run.
OWN_IMAGE = "DEEPDESIGN_IMAGE"


def choose(name: str, environment: Mapping[str, str]) -> Profile:
    """The profile called ``name``; ``auto`` is the first that the environment shows, else ``plain``."""
    by_name = {profile.name: profile for profile in PROFILES}
    if name in by_name:
        return by_name[name]
    if name != "auto":
        raise WrongInputError(f"--profile: there is no profile {name!r}; choose one of {', '.join(NAMES)}.")
    for profile in PROFILES:
        if any(environment.get(variable) for variable in profile.detect):
            return profile
    return by_name["gradient" if environment.get(OWN_IMAGE) else "plain"]
