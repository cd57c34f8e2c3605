"""Ctrl-C and worse in the middle of `deepdesign collect`, and the same command again."""

import hashlib
import json
import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
from techniques.datasets.testkit.server import Asked, Reply
from tests.techniques.conftest import PROGRAM


class Held(FakeFiles):
    """Gives some files, then keeps everybody waiting until released. Marks each file with its ``start``."""

    def __init__(self, works: list[Work], given: int = 4) -> None:
        super().__init__(works)
        self.reached, self.released, self.given = threading.Event(), threading.Event(), given
        self.start = 0

    def hold(self) -> None:
        if len(self.asked) >= self.given:
            self.reached.set()
            self.released.wait(240)

    def answer(self, asked: Asked) -> Reply:
        return replace(super().answer(asked), headers={"ETag": f"start {self.start}"})


def test_interrupted_and_run_again(tmp_path: Path, works: list[Work]) -> None:
    (tmp_path / "styles.txt").write_text("gothic")
    out = tmp_path / "set"
    with Held(works) as files, FakeOpenverse(works, files.url) as openverse:
        command = [
            *(
                PROGRAM,
                "collect",
                tmp_path / "styles.txt",
                "-o",
                out,
                "--per-class",
                "8",
                "--source",
                "openverse",
            ),
            *("--allow-private", "--endpoint", f"openverse={openverse.endpoint}"),
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts what it puts into the background with Ctrl-C ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert files.reached.wait(240)
        process.send_signal(signal.SIGINT)
        files.released.set()
        _, said = process.communicate(timeout=240)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert again.returncode == 0, again.stderr
    kept = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    names = sorted(row["file"] for row in kept if row.get("status") == "kept")
    assert len(names) == 8
    assert names == sorted(f"gothic/{path.name}" for path in (out / "gothic").iterdir())


def test_killed_at_any_moment_and_run_again(tmp_path: Path, works: list[Work]) -> None:
    """Three times without a warning; each time what had arrived stays, and nothing half has a final name."""
    (tmp_path / "styles.txt").write_text("gothic")
    out = tmp_path / "set"
    arrived: dict[str, str] = {}
    with Held(works, 3) as files, FakeOpenverse(works, files.url) as openverse:
        command = [
            *(PROGRAM, "collect", tmp_path / "styles.txt", "-o", out, "--per-class", "14", "--source"),
            *("openverse", "--allow-private", "--endpoint", f"openverse={openverse.endpoint}", "--keep-near"),
        ]
        for files.start, files.given in enumerate((3, 7, 12)):
            files.reached.clear()
            files.released.clear()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            assert files.reached.wait(240)
            process.kill()
            process.wait()
            for path in out.glob("*/*.jpg"):
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
            arrived = _arrived(out) | arrived
            files.released.set()
        files.start, files.given = 3, 10**6
        again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert again.returncode == 0, again.stderr
    assert arrived
    assert arrived.items() <= _arrived(out).items()  # nothing of it was fetched by a later start
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    names = sorted(row["file"] for row in rows if row.get("status") == "kept")
    assert len(names) == len(set(names)) == 14
    assert names == sorted(f"gothic/{path.name}" for path in (out / "gothic").iterdir())


def _arrived(out: Path) -> dict[str, str]:
    """Which pictures lie there whole, and the start of the program that fetched each."""
    found = {}
    if (out / "manifest.jsonl").exists():
        for line in (out / "manifest.jsonl").read_text().splitlines(keepends=True):
            if line.endswith("\n") and "fetched_sha256" in (row := json.loads(line)):
                found[f"{row['source']}:{row['source_id']}"] = row["etag"]
    for note in out.glob("*/.*.json"):
        with suppress(ValueError):  # killed while it was written
            said = json.loads(note.read_text())
            found[said["key"]] = said["facts"]["etag"]
    return found
