"""The promise itself: a notebook that was thrown away comes back, as the platform starts it."""

import base64
import contextlib
import hashlib
import io
import json
import secrets
import zipfile
from collections.abc import Iterator

from images import container
from images.container import Running, wait_until
from images.jupyter import JupyterServer
from images.subject import CheckError, Subject, ensure

_PACKAGE = "keepsake"


def comes_back(subject: Subject) -> None:
    """Install a package, make a key, lose the container: a fresh one on the same volume has both again."""
    with contextlib.ExitStack() as stack:
        storage = stack.enter_context(subject.volume())
        subject.write(storage, {f"wheels/{_PACKAGE}-1.0-py3-none-any.whl": wheel(_PACKAGE)})
        server = stack.enter_context(_ssh_server(subject))
        public = _first_day(subject, storage)
        server.put("/root/.ssh", {"authorized_keys": public}, mode=0o600)
        _second_day(subject, storage, server)


def finds_its_kernel_behind_an_old_one(subject: Subject) -> None:
    """A kernel that an old image left in storage hides this image's of that name; ours is listed too."""
    gone = {
        "argv": ["/opt/gone/python", "-f", "{connection_file}"],
        "display_name": "old",
        "language": "python",
    }
    with subject.volume() as storage:
        kept = "cfg/.local/share/jupyter/kernels/python3/kernel.json"
        subject.write(storage, {kept: json.dumps(gone)})
        # As outside of a virtual environment, where Jupyter takes a user's kernels before the image's.
        order = {"JUPYTER_PREFER_ENV_PATH": "0"}
        with subject.started(storage, environment=order) as running:
            jupyter = running.jupyter()
            asked = "import subprocess as s; print(s.getoutput('jupyter kernelspec list --json 2>/dev/null'))"
            listed = json.loads(jupyter.in_kernel(asked, kernel="deepdesign"))
            specs = {name: entry["spec"]["argv"][0] for name, entry in listed["kernelspecs"].items()}
            ensure(
                specs.get("python3") == gone["argv"][0] and "deepdesign" in specs,
                f"beside an old kernel Jupyter lists {specs}",
            )
            seen = jupyter.in_kernel("import sys, torch; print(sys.executable)", kernel="deepdesign").strip()
            ensure(seen == specs["deepdesign"], f"the kernel of this image runs {seen}")


def _first_day(subject: Subject, storage: str) -> str:
    """A new notebook: install for the user, make a key with modes that ssh refuses. The public key."""
    with subject.started(storage) as running:
        jupyter = running.jupyter()
        _type(jupyter, f"pip install --user --no-index --find-links /storage/wheels {_PACKAGE}")
        _type(jupyter, "mkdir -p ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519 </dev/null")
        _type(jupyter, "chmod 755 ~/.ssh/ && chmod 644 ~/.ssh/id_ed25519")
        public = running.run("cat", "/root/.ssh/id_ed25519.pub")
        running.stop()
    return public


def _second_day(subject: Subject, storage: str, server: Running) -> None:
    """A fresh container, a fresh home: package, key and commands are there, and ssh takes the key."""
    network = server.container.attrs["HostConfig"]["NetworkMode"]
    with subject.started(storage, network=network) as running:
        jupyter = running.jupyter()
        modes = running.run("stat", "-Lc", "%a", "/root/.ssh", "/root/.ssh/id_ed25519").split()
        ensure(modes == ["700", "600"], f"~/.ssh and the key have the modes {modes}, ssh wants 700 and 600")
        _wait_for_ssh(server)
        said = _type(
            jupyter,
            "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new root@sshd echo let''in",
        )
        ensure("letin" in said, f"ssh did not take the key: {said}")

        found = _type(jupyter, "command -v deepdesign deepdesign-bootstrap deepdesign-images")
        ensure(found.count("/bin/deepdesign") == 3, f"a terminal does not find our programs: {found}")
        _type(
            jupyter,
            f"deepdesign --help >/dev/null && python -c 'import bootstrap, images, techniques, {_PACKAGE}'",
        )

        printed = jupyter.in_kernel(
            f"import shutil, bootstrap, images, techniques, {_PACKAGE}\n"
            f"print(shutil.which('deepdesign'), {_PACKAGE}.GREETING)"
        )
        ensure(printed.split() == [printed.split()[0], "kept"], f"a kernel finds {printed}")
        ensure(
            printed.split()[0].endswith("/bin/deepdesign"), f"a kernel does not find deepdesign: {printed}"
        )


def _type(jupyter: JupyterServer, line: str) -> str:
    """What a person sees after typing ``line``; it must succeed."""
    status, shown = jupyter.in_terminal(line)
    ensure(status == 0, f"`{line}` ended with status {status} in a terminal: {shown}")
    return shown


@contextlib.contextmanager
def _ssh_server(subject: Subject) -> Iterator[Running]:
    """A real sshd under the name `sshd` on a network of its own; it may still be starting."""
    network = subject.client.networks.create(
        f"deepdesign-{secrets.token_hex(6)}", labels={container.MARK: "images"}
    )
    start = (
        "mkdir -p /run/sshd /root/.ssh && chmod 700 /root/.ssh && apt-get update --quiet=2 "
        "&& apt-get install --quiet=2 --yes --no-install-recommends openssh-server "
        "&& exec /usr/sbin/sshd -D -e"
    )
    try:
        with container.running(
            subject.client,
            subject.image,
            ["-c", start],
            entrypoint=["sh"],
            hostname="sshd",
            name=f"sshd-{secrets.token_hex(4)}",
            network=network.name,
            networking_config={network.name: subject.client.api.create_endpoint_config(aliases=["sshd"])},
        ) as server:
            ensure(
                wait_until(lambda: not server.run("ls", "/root/.ssh", check=False, limit=5), 10),
                "the ssh server's container did not start",
            )
            yield server
    finally:
        network.remove()


def _wait_for_ssh(server: Running) -> None:
    def listens() -> bool:
        server.container.reload()
        if server.container.status != "running":
            raise CheckError(f"the ssh server ended: {server.logs()}")
        return "up" in server.run("bash", "-c", "</dev/tcp/127.0.0.1/22 && echo up", check=False, limit=5)

    ensure(wait_until(listens, 120), f"the ssh server did not start within 120 s: {server.logs()}")


def wheel(name: str, greeting: str = "kept") -> bytes:
    """A pure Python wheel with one module, so that installing it needs no network."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": f"GREETING = {greeting!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{info}/RECORD,,"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(text)}")
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "\n".join(record) + "\n")
    return packed.getvalue()
