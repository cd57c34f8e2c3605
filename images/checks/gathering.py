"""The commands that bring pictures in and out, offline: from servers that the image brings along."""

from images.checks.experiment import last
from images.checks.room import room
from images.subject import Subject, ensure

# Every third of nine parts of the photograph may not be changed, so it is nobody's to train with.
_OFFER = """
import subprocess, sys
from pathlib import Path
from PIL import Image
from techniques.datasets.testkit.corpus import works_from
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
photo, paths = Image.open("/storage/photo.jpg").convert("RGB").resize((600, 400)), []
for number in range(9):
    left, top = number % 3 * 160, number // 3 * 70
    paths.append(Path(f"/tmp/{number}.jpg"))
    photo.crop((left, top, left + 260, top + 240)).rotate(40 * number).save(paths[-1], quality=90)
works = works_from({"gothic": paths}, (("by", "2.0"), ("cc0", "1.0"), ("by-nd", "2.0")))
Path("/tmp/classes.txt").write_text("gothic")
with FakeFiles(works) as files, FakeOpenverse(works, files.url) as openverse:
    sys.exit(subprocess.run([
        *("deepdesign", "collect", "/tmp/classes.txt", "-o", "/artifacts/set", "--per-class", "9", "--quiet"),
        *("--source", "openverse", "--endpoint", f"openverse={openverse.endpoint}"),
        *("--keep-near", "--allow-private"),
    ]).returncode)
"""

_COLLECTED = """
import csv, hashlib, json
from pathlib import Path
root = Path("/artifacts/set")
kept = list(root.glob("gothic/*.jpg"))
rows = [json.loads(line) for line in (root / "manifest.jsonl").read_text().splitlines()]
print(json.dumps({
    "kept": len(kept),
    "named_by_hash": all(hashlib.sha256(path.read_bytes()).hexdigest() == path.stem for path in kept),
    "licences": sorted({row["license"] for row in rows if row.get("status") == "kept"}),
    "credited": len(list(csv.DictReader((root / "credits.csv").open()))),
}))
"""

# A GeoTIFF's ModelPixelScale and ModelTiepoint.
_GROUND = """
import json
import numpy
from PIL import Image
ground = Image.open("/artifacts/town.tif")
print(json.dumps({
    "size": ground.size,
    "m_per_px": ground.tag_v2[33550][0],
    "corner": ground.tag_v2[33922][3:5],
    "deviation": float(numpy.asarray(ground.convert("L"), "float").std()),
}))
"""


def packs_and_unpacks_offline(subject: Subject) -> None:
    """`deepdesign pack` and `unpack` give every file back, and refuse a damaged archive whole."""
    with room(subject) as here:
        subject.write(here.storage, {f"work/{number}.txt": f"{number}" * 999 for number in range(3)})
        here.run(
            "deepdesign pack /storage/work -o /artifacts/work.zip --quiet; "
            "deepdesign unpack /artifacts/work.zip -o /artifacts/back --quiet; "
            'diff -r /storage/work "$(dirname "$(find /artifacts/back -name 0.txt)")"; '
            "head -c 300 /artifacts/work.zip >/artifacts/cut.zip; status=0; "
            "deepdesign unpack /artifacts/cut.zip -o /artifacts/cut || status=$?; "
            "test $status = 2; test ! -e /artifacts/cut"
        )


def collects_offline(subject: Subject) -> None:
    """`deepdesign collect` from a server that keeps Openverse's rules: licensed pictures, each credited."""
    with room(subject) as here:
        here.put("")
        seen = last(here.run(f"python -c '{_OFFER}'", _COLLECTED))
    ensure(seen["licences"] == ["by", "cc0"], f"pictures under {seen['licences']} were kept")
    ensure(
        (seen["kept"], seen["credited"]) == (6, 6) and seen["named_by_hash"],
        f"of nine pictures, three of which may not be changed, this became: {seen}",
    )


def photographs_the_ground_offline(subject: Subject) -> None:
    """`deepdesign aerial` on the made-up town: so many metres a pixel, where it was asked for."""
    with room(subject) as here:
        seen = last(
            here.run(
                "deepdesign aerial --lat 42.281 --lon -83.743 --size-m 64 --m-per-px 0.5 --source demo "
                "--quiet -o /artifacts/town.tif",
                _GROUND,
            )
        )
    ensure(seen["size"] == [128, 128], f"64 m at 0.5 m a pixel are {seen['size']} pixels")
    # Web Mercator stretches by 1/cos(latitude): 0.5 m are 0.676 of its metres at 42.281 degrees north.
    ensure(abs(seen["m_per_px"] - 0.676) < 0.002, f"a pixel is {seen['m_per_px']} m of the map")
    west, north = seen["corner"]
    ensure(
        abs(west + 9322271) < 2 and abs(north - 5203208) < 2,
        f"its corner lies at {seen['corner']} on the map",
    )
    ensure(seen["deviation"] > 5, "the picture shows nothing")
