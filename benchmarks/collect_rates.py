"""How close collecting comes to what services permit, never above it; and without limits, beside img2dataset.

The servers are the test kit's: they refuse what is above the limit, and their log has the times. --peer
names the Python of an environment that has img2dataset; without it only our own figures are made.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.record import record
from techniques.aerial.grid import Tile
from techniques.aerial.services import shipped
from techniques.aerial.testkit.tiles import FakeTiles
from techniques.datasets.client import Client
from techniques.datasets.clock import Clock
from techniques.datasets.pace import HostRule
from techniques.datasets.sources import commons, flickr, openverse
from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.corpus import Work, works_from
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.server import Asked, Reply, Server, Window

_PICTURES, _ROUNDS, _SIDE = 400, 3, 512
_OURS = """
import sys
from pathlib import Path
from urllib.parse import urlsplit
from techniques.datasets.client import Client
from techniques.datasets.collect import Order, collect
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import parse
from techniques.datasets.sources.urls import Urls
server, base, out, count = sys.argv[1:]
client = Client(
    allow_private=True, rules={urlsplit(server).netloc: HostRule(((10**6, 1.0),), concurrency=16, api=True)}
)
order = Order(per_class=int(count), licences=("by",), near=False)
came = collect(
    parse("nave: urls:urls.csv"), Path(out) / "set", [Urls(Path(base))], client, order, lambda *_: None
)
if came.images != int(count):
    raise SystemExit(f"{came.images} of {count}: {came.reasons}")
"""
_PEER = """
import sys
from img2dataset import download
download(url_list=sys.argv[1], output_folder=sys.argv[2], processes_count=1, thread_count=int(sys.argv[3]),
         resize_mode="no", output_format="files", compute_hash="sha256", disallowed_header_directives=[])
"""


class _Limited(Server):
    """Counts as the services do, and refuses."""

    def __init__(self, rule: HostRule, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._windows = [Window(count, seconds) for count, seconds in rule.rates]

    def answer(self, asked: Asked) -> Reply:
        for window in self._windows:
            if (wait := window.take(asked.at)) is not None:
                return self.refuse("rate", Reply(429, b"", {"Retry-After": str(max(1, round(wait)))}))
        return Reply(200, b"{}")


def _share(rule: HostRule, requests: int, clock: Clock | None) -> dict[str, float]:
    """Requests beside what the rule permits, over whole stretches: the last request opens the next one."""
    count, seconds = rule.rates[0]
    with _Limited(rule, clock) as server:
        client = Client(contact="me@example.edu", allow_private=True, rules={server.address: rule})
        if clock is not None:
            client.clock = clock
        for _ in range(requests):
            client.get_json(server.url, {})
        spent = server.asked[-1].at - server.asked[0].at
        refused = len(server.refused)
    return {
        "requests": requests,
        "seconds": round(spent, 1),
        "per_minute": round((requests - 1) / spent * 60, 2),
        "permitted_per_minute": round(count / seconds * 60, 2),
        "share_of_permitted": round((requests - 1) / spent / (count / seconds), 4),
        "refused": refused,
    }


def _limits() -> dict[str, dict[str, float]]:
    rules = {
        "openverse search": openverse.RULES["api.openverse.org"],
        "wikimedia": commons.RULES["upload.wikimedia.org"],
        "flickr": flickr.RULES["api.flickr.com"],
        "usgs tiles": shipped()["usgs"].rule,
        "osm tiles": shipped()["osm"].rule,
    }
    found = {}
    for name, rule in rules.items():
        # Whole stretches: after each the next allowance is just used up.
        found[name] = _share(rule, rule.rates[0][0] * 4 + 1, VirtualClock())
    return found


def _works(folder: Path) -> list[Work]:
    """Pictures that are as large as what is collected, and all different."""
    noise = np.random.default_rng(8)
    paths = []
    for number in range(_PICTURES):
        small = noise.integers(0, 255, (24, 24, 3), dtype=np.uint8)
        path = folder / f"{number}.jpg"
        Image.fromarray(small).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(path, quality=88)
        paths.append(path)
    return works_from({"nave": paths}, (("by", "2.0"),))


def _pace(server: Server) -> float:
    files = [asked.at for asked in server.asked if asked.path.endswith(".jpg")]
    return len(files) / (max(files) - min(files))


def _ours(works: list[Work], base: Path) -> float:
    """In a process of its own, as the peer's, so that the server's Python takes no time of it."""
    with FakeFiles(works) as server, tempfile.TemporaryDirectory(dir=base) as out:
        lines = "\n".join(f"{server.url}/files/{work.file},by" for work in works)
        (base / "urls.csv").write_text(f"url,license\n{lines}\n")
        subprocess.run([sys.executable, "-c", _OURS, server.url, base, out, str(len(works))], check=True)
        return _pace(server)


def _theirs(works: list[Work], base: Path, python: str, threads: int) -> float:
    with FakeFiles(works) as server, tempfile.TemporaryDirectory(dir=base) as out:
        (base / "urls.txt").write_text("\n".join(f"{server.url}/files/{work.file}" for work in works))
        subprocess.run(
            [python, "-c", _PEER, base / "urls.txt", f"{out}/set", str(threads)],
            check=True,
            capture_output=True,
        )
        if sum(1 for _ in Path(out).rglob("*.jpg")) != len(works):
            raise RuntimeError("img2dataset did not fetch all")
        return _pace(server)


def _tiles() -> float:
    with FakeTiles() as server:
        client = Client(allow_private=True, rules={server.address: HostRule(((10**6, 1.0),), 16, api=True)})
        began = time.perf_counter()
        for number in range(200):
            client.fetch(server.template.format(**Tile(15, number, 1)._asdict()), max_bytes=10**6)
        return 200 / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has img2dataset")
    parser.add_argument("--real", action="store_true", help="also a minute at Wikimedia's rate in real time")
    given = parser.parse_args()
    figures: dict[str, object] = {"at the permitted rates, virtual time": _limits()}
    if given.real:
        rule = commons.RULES["upload.wikimedia.org"]
        figures["wikimedia, real time"] = _share(rule, 401, None)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        works = _works(base)
        ours, theirs = [], []
        for _ in range(_ROUNDS):  # in turns, so that a busy moment of the machine meets both
            ours.append(_ours(works, base))
            if given.peer:
                theirs.append(_theirs(works, base, given.peer, 16))
        figures["without limits"] = {
            "pictures": _PICTURES,
            "side_px": _SIDE,
            "deepdesign_images_a_second": round(max(ours), 1),
            **({"img2dataset_images_a_second": round(max(theirs), 1)} if theirs else {}),
            **({"ratio_to_img2dataset": round(max(ours) / max(theirs), 2)} if theirs else {}),
            "tiles_a_second": round(_tiles(), 1),
        }
    record("collect_rates", figures)


if __name__ == "__main__":
    main()
