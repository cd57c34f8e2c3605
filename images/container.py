"""Containers and volumes that are gone again when their owner is done with them, also after an error."""

import contextlib
import io
import secrets
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from images.errors import ImagesError
from images.jupyter import JupyterServer
from images.platforms import Platform

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.volumes import Volume

# On everything that is made here, so that leftovers of a killed process can be told from the user's own.
MARK = "deepdesign.made-by"


class Running:
    """A started container."""

    def __init__(self, container: "Container", token: str | None = None) -> None:
        """``container`` as the SDK has it; ``token`` when a Jupyter with that token is expected in it."""
        self.container = container
        self.token = token

    def run(self, *command: str, check: bool = True, limit: int = 120, **options: Any) -> str:
        """Run ``command`` inside, with the SDK's ``options`` for it, and return standard output.

        The limit in seconds is enforced inside, since the SDK has none. Raises ImagesError with the output
        when the command fails and ``check`` is set.
        """
        line = ["timeout", "--kill-after=5", str(limit), *command]
        code, output = self.container.exec_run(line, demux=True, **options)
        out, err = cast("tuple[bytes | None, bytes | None]", output)
        text = (out or b"").decode(errors="replace")
        if check and code:
            said = (text + (err or b"").decode(errors="replace")).strip()
            raise ImagesError(f"`{' '.join(command)}` ended with status {code} in the container: {said}")
        return text

    def put(self, folder: str, files: Mapping[str, str | bytes], mode: int = 0o644) -> None:
        """Write ``files`` (path under ``folder``: content), owned by root; ``folder`` must be there."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), mode
                archive.addfile(member, io.BytesIO(data))
        self.container.put_archive(folder, packed.getvalue())

    def logs(self) -> str:
        """Standard output and error so far."""
        return self.container.logs().decode(errors="replace")

    def wait(self, limit: float = 300) -> int:
        """The exit status, when it has ended."""
        return int(self.container.wait(timeout=limit)["StatusCode"])

    def stop(self, limit: int = 10) -> int:
        """Ask it to end as platforms do (SIGTERM, after ``limit`` seconds SIGKILL); its exit status."""
        self.container.stop(timeout=limit)
        return self.wait()

    def jupyter(self, limit: float = 60) -> JupyterServer:
        """The Jupyter in it, once it answers. Raises ImagesError with the log when it does not."""
        server: JupyterServer | None = None

        def answers() -> bool:
            nonlocal server
            self.container.reload()
            if self.container.status == "exited":
                raise ImagesError(f"the container ended before Jupyter answered; its log:\n{self.logs()}")
            bound = self.container.ports.get("8888/tcp")
            if not bound:
                return False
            server = JupyterServer(f"127.0.0.1:{bound[0]['HostPort']}", self.token or "")
            return server.answers()

        if not wait_until(answers, limit) or server is None:
            raise ImagesError(
                f"Jupyter did not answer within {limit:g} s; the container's log:\n{self.logs()}"
            )
        return server


@contextlib.contextmanager
def running(
    client: "DockerClient",
    image: str,
    command: Sequence[str] | None = None,
    *,
    token: str | None = None,
    **options: Any,
) -> Iterator[Running]:
    """Start ``image`` with the SDK's ``options``; removed at the end, with its anonymous volumes."""
    container = client.containers.create(
        image, list(command) if command is not None else None, labels={MARK: "images"}, **options
    )
    try:
        container.start()
        yield Running(container, token)
    finally:
        container.remove(force=True, v=True)


@contextlib.contextmanager
def volume(client: "DockerClient", name: str | None = None) -> Iterator["Volume"]:
    """An empty volume, removed at the end."""
    made = client.volumes.create(name or f"deepdesign-{secrets.token_hex(6)}", labels={MARK: "images"})
    try:
        yield made
    finally:
        made.remove(force=True)


def platform_options(
    platform: Platform, token: str, storage: str | None, *, read_only: bool = False
) -> dict[str, Any]:
    """The SDK's options for a start on ``platform``; ``storage`` is a volume's name or a folder."""
    mounts = {storage: {"bind": platform.storage, "mode": "ro" if read_only else "rw"}} if storage else {}
    return {
        "command": platform.command,
        "environment": {**platform.environment, "JUPYTER_TOKEN": token},
        "working_dir": platform.workspace,
        "volumes": mounts,
        # Any free port of this machine, and only this machine's.
        "ports": {f"{platform.port}/tcp": ("127.0.0.1", None)},
        **({"entrypoint": list(platform.entrypoint)} if platform.entrypoint else {}),
    }


@contextlib.contextmanager
def started(
    client: "DockerClient",
    image: str,
    platform: Platform,
    storage: str | None = None,
    *,
    read_only: bool = False,
    **options: Any,
) -> Iterator[Running]:
    """``image`` started as ``platform`` starts it, with a token of its own."""
    token = secrets.token_urlsafe(24)
    chosen = platform_options(platform, token, storage, read_only=read_only)
    for key, value in options.items():
        chosen[key] = {**chosen.get(key, {}), **value} if isinstance(value, Mapping) else value
    with running(client, image, token=token, **chosen) as container:
        yield container


def wait_until(condition: Callable[[], bool], limit: float, pause: float = 0.1) -> bool:
    """Whether ``condition`` came true within ``limit`` seconds; asked again every ``pause`` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
