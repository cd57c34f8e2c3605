"""How a platform starts a container: the facts that `test` replays and `notebook` uses."""

from collections.abc import Mapping
from dataclasses import dataclass

_JUPYTER = (
    "jupyter lab --allow-root --ip=0.0.0.0 --no-browser --ServerApp.trust_xheaders=True "
    "--ServerApp.disable_check_xsrf=False --ServerApp.allow_remote_access=True "
    "--ServerApp.allow_origin='*' --ServerApp.allow_credentials=True"
)


@dataclass(frozen=True)
class Platform:
    """One platform's way; the command goes through the image's entrypoint, unless it brings its own."""

    name: str
    command: tuple[str, ...] | None  # None: the image's own
    environment: Mapping[str, str]  # besides JUPYTER_TOKEN
    workspace: str  # working directory, where the notebook's own files lie
    storage: str  # where the volume that outlives the notebook is mounted
    port: int = 8888
    entrypoint: tuple[str, ...] | None = None  # None: the image's own


# The Command field reaches the container as one string for /bin/sh; this one is the official templates'.
GRADIENT = Platform(
    name="gradient",
    command=("/bin/sh", "-c", _JUPYTER),
    environment={
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PAPERSPACE_FQDN": "nabc1234.clg07azjl.paperspacegradient.com",
        "PAPERSPACE_CLUSTER_ID": "clg07azjl",
        "PAPERSPACE_METRIC_WORKLOAD_ID": "nabc1234",
        "PAPERSPACE_METRIC_WORKLOAD_TYPE": "notebook",
        "PAPERSPACE_NOTEBOOK_ID": "nabc1234",
        "PAPERSPACE_NOTEBOOK_REPO_ID": "rabc1234",
    },
    workspace="/notebooks",
    storage="/storage",
)

RUNPOD = Platform(
    name="runpod",
    command=("bash", "-c", _JUPYTER),
    environment={"RUNPOD_POD_ID": "p0d1abcd2efg3h", "RUNPOD_VOLUME_ID": "v0l1abcd"},
    workspace="/workspace",
    storage="/workspace",
)

# Its ssh and jupyter launch modes bring their own entrypoint; the start command sources what ours would.
VAST = Platform(
    name="vast",
    command=("-c", f". /opt/deepdesign/share/prerun.sh; {_JUPYTER}"),
    environment={"VAST_CONTAINERLABEL": "C.1234567", "WORKSPACE": "/workspace", "DEEPDESIGN_BOOTSTRAP": "0"},
    workspace="/workspace",
    storage="/workspace",
    entrypoint=("/bin/bash",),
)

# A workstation of one's own: `docker run`, as docs/images.md has it.
DOCKER = Platform(name="docker", command=None, environment={}, workspace="/notebooks", storage="/storage")

PLATFORMS = (GRADIENT, RUNPOD, VAST, DOCKER)
