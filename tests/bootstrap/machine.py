"""A machine of the test's own: a mount namespace in which root's home on record is the scratch home.

ssh asks the list of users, not HOME, for the home that it looks into; so only here does the real ssh read
the scratch home's keys. A real sshd answers it, started for each connection and without a network.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.bootstrap.homes import put
from tests.needs import need

# Above the test's folder stands a temporary folder that all may write, which sshd minds: it appears at /srv.
_ENTER = """
mount --bind "$BASE" /srv
mount --bind /srv/etc/passwd /etc/passwd
mount -t tmpfs none /run
mkdir /run/sshd
cd /srv
"""
# A platform's folders are at the root, which is not ours to write: another root, with all else bound in.
_ANOTHER_ROOT = """
mkdir root && mount -t tmpfs none root && cd root && mkdir -p srv opt ".$POINT" || exit 9
for entry in /* /opt/*; do
    if [ -L "$entry" ]; then cp -P "$entry" ".$entry"
    elif [ "$entry" = /srv ] || [ "$entry" = /opt ]; then continue
    elif [ -d "$entry" ]; then mkdir -p ".$entry" && mount --rbind "$entry" ".$entry"
    fi
done
mount --rbind /srv srv && exec chroot . sh -c "cd /srv; $SCRIPT"
"""
HOST = "git.example"


class Machine(NamedTuple):
    """Home and storage are ``/srv/home`` and ``/srv/storage`` inside, and below ``base`` outside."""

    base: Path

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def storage(self) -> Path:
        return self.base / "storage"

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``script`` there, as a person types it in a terminal."""
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", f"set -e\n{_ENTER}\nset +e\n{script}"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "BASE": str(self.base),
                "PY": sys.executable,
                "HOME": "/srv/home",
                "DEEPDESIGN_STORAGE": "/srv/storage",
                **environment,
            },
        )

    def run_at(self, point: str, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The same with an empty folder ``point`` (``$POINT``) at the root, and no storage named."""
        return self.run(
            _ANOTHER_ROOT, **{"DEEPDESIGN_STORAGE": "", "POINT": point, "SCRIPT": script, **environment}
        )

    def logs_in(self, *options: str) -> bool:
        """Whether ssh reaches the host with the keys of this home."""
        words = " ".join(f"-o {option}" for option in options)
        proxy = "ProxyCommand='/usr/sbin/sshd -i -f /srv/etc/sshd_config'"
        script = f"ssh -o BatchMode=yes -o {proxy} {words} root@{HOST} echo let''in"
        return self.run(script).stdout == "letin\n"


def bare_machine(base: Path) -> Machine:
    """An empty home and an empty storage."""
    need("mounts")
    for folder in ("home", "storage", "etc"):
        (base / folder).mkdir(mode=0o755)
    base.chmod(0o755)
    users = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("root:")]
    put(base / "etc/passwd", "\n".join(["root:x:0:0:root:/srv/home:/bin/sh", *users, ""]))
    return Machine(base)


def make_machine(base: Path) -> Machine:
    """A home with a key that works, a storage, and a host that knows both."""
    need("sshd")
    need("ssh-keygen")
    machine = bare_machine(base)
    put(
        base / "etc/sshd_config",
        "HostKey /srv/etc/host_key\nPermitRootLogin yes\nUsePAM no\nStrictModes no\n"
        "AuthorizedKeysFile /srv/etc/authorized_keys\nPrintMotd no\nPrintLastLog no\n",
    )
    done = machine.run(
        "ssh-keygen -q -t ed25519 -N '' -f etc/host_key\n"
        "mkdir -m 700 home/.ssh\n"
        "ssh-keygen -q -t ed25519 -N '' -f home/.ssh/id_ed25519\n"
        "cp home/.ssh/id_ed25519.pub etc/authorized_keys\n"
        f"printf '{HOST} %s\\n' \"$(cut -d ' ' -f 1-2 etc/host_key.pub)\" >home/.ssh/known_hosts"
    )
    assert done.returncode == 0, done.stderr
    return machine
