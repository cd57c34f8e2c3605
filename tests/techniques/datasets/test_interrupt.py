"""Ctrl-C and worse in the middle of `deepdesign collect`, and the same command again."""

import hashlib
import json
import signal
import subprocess
import threading
from pathlib import Path

from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
from tests.techniques.conftest import PROGRAM


class Held(FakeFiles):
    """Gives some files, then keeps everybody waiting until released."""

    def __init__(self, works: list[Work], given: int = 4) -> None:
        super().__init__(works)
        self.reached, self.released, self.given = threading.Event(), threading.Event(), given

    def hold(self) -> None:
        if len(self.asked) >= self.given:
            self.reached.set()
            self.released.wait(120)


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
        assert files.reached.wait(120)
        process.send_signal(signal.SIGINT)
        files.released.set()
        _, said = process.communicate(timeout=120)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert again.returncode == 0, again.stderr
    kept = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    names = sorted(row["file"] for row in kept if row.get("status") == "kept")
    assert len(names) == 8
    assert names == sorted(f"gothic/{path.name}" for path in (out / "gothic").iterdir())


def test_killed_at_any_moment_and_run_again(tmp_path: Path, works: list[Work]) -> None:
    """Three times without a warning; each time what had arrived stays, and nothing half has a final name."""
    (tmp_path / "styles.txt").write_text("gothic")
    out = tmp_path / "set"
    with Held(works, 3) as files, FakeOpenverse(works, files.url) as openverse:
        command = [
            *(PROGRAM, "collect", tmp_path / "styles.txt", "-o", out, "--per-class", "14", "--source"),
            *("openverse", "--allow-private", "--endpoint", f"openverse={openverse.endpoint}", "--keep-near"),
        ]
        for given in (3, 7, 12):
            files.given = given
            files.reached.clear()
            files.released.clear()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            assert files.reached.wait(120)
            process.kill()
            process.wait()
            files.released.set()
            for path in out.glob("*/*.jpg"):
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
        files.given = 10**6
        again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert again.returncode == 0, again.stderr
        fetched = [asked.path for asked in files.asked if asked.path != "/robots.txt"]
    # Only what was on its way, two at once, may be asked for again.
    assert len(fetched) - len(set(fetched)) <= 3 * 2
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    names = sorted(row["file"] for row in rows if row.get("status") == "kept")
    assert len(names) == len(set(names)) == 14
    assert names == sorted(f"gothic/{path.name}" for path in (out / "gothic").iterdir())
