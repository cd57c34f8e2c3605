"""JupyterLab on this machine, started the way a platform starts it."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from images.container import Running, started
from images.errors import ImagesError
from images.platforms import GRADIENT

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True)
class Places:
    """What outlives the container: names of volumes, or folders of this machine (with a slash in them)."""

    storage: str = "deepdesign-storage"
    notebooks: str = "deepdesign-notebooks"


def serve(
    client: "DockerClient", image: str, places: Places, port: int | None, show: Callable[[str], None]
) -> None:
    """Start ``image``, ``show`` its address once it answers, then its log until it ends or Ctrl-C stops it.

    ``port`` is this machine's, any free one for None; only this machine reaches it. Raises ImagesError when
    Jupyter does not answer.
    """
    options: dict[str, Any] = {
        "volumes": {_place(places.notebooks): {"bind": GRADIENT.workspace, "mode": "rw"}},
        "ports": {f"{GRADIENT.port}/tcp": ("127.0.0.1", port)},
    }
    if "nvidia" in client.info().get("Runtimes", {}):
        import docker

        options["device_requests"] = [docker.types.DeviceRequest(count=-1, capabilities=[["gpu"]])]
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(started(client, image, GRADIENT, _place(places.storage), **options))
        # Jupyter first: it writes what is unsaved and ends its kernels.
        stack.callback(_stop, running)
        show(running.jupyter(limit=120).url)
        with contextlib.suppress(KeyboardInterrupt):
            for line in running.container.logs(stream=True, follow=True, tail=0):
                show(line.decode(errors="replace").rstrip("\n"))
            if status := running.wait():
                raise ImagesError(f"Jupyter ended with status {status}; its log is above")


def _stop(running: Running) -> None:
    running.container.reload()
    if running.container.status == "running":
        running.stop()


def _place(name: str) -> str:
    if "/" not in name:
        return name
    folder = Path(name).expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
