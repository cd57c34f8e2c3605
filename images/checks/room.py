"""An experiment's surroundings as platforms make them: no home, no network, results where they belong."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from images import container
from images.subject import Subject, ensure


@dataclass(frozen=True)
class Room:
    """Inputs that an experiment may only read, a place for results, and networks."""

    subject: Subject
    storage: str
    artifacts: str
    weights: str

    def put(self, script: str) -> None:
        """Let the Python ``script`` make inputs in ``/storage``, where ``photo.jpg`` already lies.

        The photograph is a cup of coffee by Rachel Michetti, CC0.
        """
        photo = files("images.checks").joinpath("coffee.jpg").read_bytes()
        self.subject.write(self.storage, {"photo.jpg": photo})
        mounted = {self.storage: {"bind": "/storage", "mode": "rw"}}
        self.subject.output("python", "-c", script, volumes=mounted, working_dir="/storage")

    def run(self, command: str, script: str = "") -> str:
        """What ``command`` (a line of shell), and after it the Python ``script``, print.

        There is no network, no home, and nothing but /tmp and /artifacts can be written.
        """
        return self.subject.output(
            *("sh", "-euc", f'{command}; [ -z "$0" ] || exec python -c "$0"', script),
            volumes={
                self.storage: {"bind": "/storage", "mode": "ro"},
                self.artifacts: {"bind": "/artifacts", "mode": "rw"},
                self.weights: {"bind": "/weights", "mode": "ro"},
            },
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 # the container's
            working_dir="/artifacts",
            environment={
                "DEEPDESIGN_WEIGHTS": "/weights",
                "DEEPDESIGN_DATA": "/artifacts/data",
                "HOME": "/nowhere",
                # Inputs are so small that a second thread would only wait for the first one.
                "OMP_NUM_THREADS": "1",
            },
        )


@contextlib.contextmanager
def room(subject: Subject, *networks: str) -> Iterator[Room]:
    """Empty volumes, and ``networks``: the image's own, or those that it then fetches as on first use."""
    carried = subject.labels.get("deepdesign.weights", "").split()
    with subject.volume() as storage, subject.volume() as artifacts, subject.volume() as weights:
        for name in networks:
            if name not in carried:
                _fetch(subject, name, weights)
        yield Room(subject, storage, artifacts, weights)


def _fetch(subject: Subject, name: str, weights: str) -> None:
    """Let the image fetch the network ``name`` into a volume, which needs the package index."""
    with subject.volume() as trust:
        mounts = {weights: {"bind": "/weights", "mode": "rw"}, trust: {"bind": "/trust", "mode": "ro"}}
        environment = {"DEEPDESIGN_WEIGHTS": "/weights"}
        if subject.ca:
            subject.write(trust, {"ca.pem": subject.ca.read_bytes()})
            environment |= {"PIP_CERT": "/trust/ca.pem", "SSL_CERT_FILE": "/trust/ca.pem"}
        with container.running(
            subject.client,
            subject.image,
            ["deepdesign", "weights", "fetch", name, "--quiet"],
            volumes=mounts,
            environment=environment,
        ) as fetching:
            status = fetching.wait()
            ensure(status == 0, f"the weights could not be fetched: {fetching.logs().strip()}")
