"""Memory of a dataset of 100,000 pictures: of going on to collect, of the sheets, of the report."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.record import record

_WORK = {
    "nothing": "",
    "go on collecting": "Manifest(root).__enter__().count_files(root)",
    "credit sheets": "write_listing(root, {})",
    "overview": "overview(root)",
}
_RUN = """
import sys, time
from pathlib import Path
from techniques.datasets.listing import write_listing
from techniques.datasets.manifest import Manifest
from techniques.datasets.overview import overview
from techniques.memory import peak_resident
root = Path(sys.argv[1])
began = time.perf_counter()
{}
print(peak_resident() >> 10, time.perf_counter() - began)
"""


def _dataset(root: Path, count: int) -> None:
    """A manifest as `collect` writes it; its files are there but empty: only their names are looked at."""
    with (root / "manifest.jsonl").open("w") as file:
        for number in range(count):
            folder, name = f"class{number % 50:02d}", f"{number:064x}.jpg"
            if number < 50:
                (root / folder).mkdir()
            (root / folder / name).touch()
            author = f"Photographer {number % 4000}"
            row = {
                "row": "image", "class": folder, "query": "gothic church", "source": "openverse",
                "source_id": f"00000000-0000-4000-8000-{number:012d}",
                "file_url": f"https://live.example.org/{number}/{number:010x}_b.jpg",
                "page_url": f"https://www.example.org/photos/{number % 4000}/{number}",
                "title": f"Nave {number}",
                "creator": author, "creator_url": f"https://www.example.org/photos/{number % 4000}",
                "license": "by", "license_version": "2.0",
                "license_url": "https://creativecommons.org/licenses/by/2.0/",
                "attribution": f'"Nave {number}" by {author} is licensed under CC BY 2.0.',
                "license_source_field": "license", "offered_width": 1024, "offered_height": 768,
                "source_sha1": "",
                "license_checked_at": "2026-11-21T08:00:00+00:00", "status": "kept", "reason": "", "why": "",
                "http_status": 200, "etag": f'"{number:x}"', "last_modified": "",
                "content_type": "image/jpeg",
                "x_robots_tag": "", "bytes": 300000, "retrieved_at": "2026-11-21T08:00:00+00:00",
                "file": f"{folder}/{name}", "sha256": f"{number:064x}", "fetched_sha256": f"{number:064x}",
                "sniffed_type": "jpeg", "width": 1024, "height": 768, "original_width": 1024,
                "original_height": 768, "blur": 512.3, "exposure": 121.9, "edits": "",
                "phash": f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}",
            }  # fmt: skip
            file.write(json.dumps(row) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    figures: dict[str, object] = {"rows": count}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _dataset(root, count)
        figures["manifest_megabytes"] = round((root / "manifest.jsonl").stat().st_size / 1e6, 1)
        base = 0.0
        for name, work in _WORK.items():
            ran = subprocess.run(
                [sys.executable, "-c", _RUN.format(work), root], check=True, capture_output=True, text=True
            )
            kilobytes, seconds = map(float, ran.stdout.split())
            if name == "nothing":
                base = kilobytes
            else:
                megabytes = round((kilobytes - base) * 1024 / 1e6)
                figures[name] = {"megabytes": megabytes, "seconds": round(seconds, 1)}
    record("manifest_memory", figures)


if __name__ == "__main__":
    main()
