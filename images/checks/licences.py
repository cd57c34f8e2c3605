"""The inventory of licences: nothing in the image without one, and none that its tag does not admit."""

import json
import re

from images.packages import NOT_STATED
from images.subject import Subject, ensure

# Debian keeps a package's licence beside it, or beside another package of the same source (policy, 12.5).
_DEBIAN = r"""
import json, os, subprocess
asked = ["dpkg-query", "--show", "--showformat", "${source:Package} ${Package} ${Section}\\n"]
rows = [row.split() for row in subprocess.run(asked, capture_output=True, text=True).stdout.splitlines()]
stated = {source for source, name, _ in rows if os.path.isfile(f"/usr/share/doc/{name}/copyright")}
print(json.dumps({
    "packages": len(rows),
    "silent": [name for source, name, _ in rows if source not in stated],
    "not free": [name for _, name, section in rows if section.startswith(("non-free", "contrib"))],
}))
"""

_NON_COMMERCIAL = re.compile(r"non-?commercial|1-way|\bnc\b|research only|academic", re.IGNORECASE)
_PROPRIETARY = re.compile(r"proprietary|eula", re.IGNORECASE)


def states_every_licence(subject: Subject) -> None:
    """Each package and network says its licence; what is non-commercial or NVIDIA's own, the tag admits."""
    said = json.loads(subject.output("deepdesign-image-info", "--json", "--packages"))
    python = {package["name"]: package["licence"] for package in said["packages"]}
    silent = sorted(name for name, licence in python.items() if licence == NOT_STATED)
    ensure(not silent, f"no licence is stated for {', '.join(silent)}")

    restricted = {name for name, licence in python.items() if _NON_COMMERCIAL.search(licence)}
    admitted = {"nvdiffrast"} if subject.choice.nvdiffrast else set()
    ensure(
        restricted == admitted,
        f"not for commercial use: {', '.join(sorted(restricted)) or 'nothing'}; "
        f"the tag admits: {', '.join(admitted) or 'nothing'}",
    )
    closed = {name for name, licence in python.items() if _PROPRIETARY.search(licence)}
    foreign = sorted(name for name in closed if not name.startswith(("nvidia-", "cuda-")))
    ensure(not foreign, f"neither open nor NVIDIA's: {', '.join(foreign)}")

    label = subject.labels.get("org.opencontainers.image.licenses", "")
    wanted = " AND ".join(sorted(set(subject.choice.licences.values())))
    ensure(label == wanted, f"the label of licences says {label!r}, the matrix {wanted!r}")

    debian = json.loads(subject.output("python", "-c", _DEBIAN))
    ensure(debian["packages"] > 50, f"dpkg knows {debian['packages']} packages only")
    ensure(not debian["silent"], f"Debian's copyright files are missing for {', '.join(debian['silent'])}")
    ensure(not debian["not free"], f"not in Debian's free part: {', '.join(debian['not free'])}")

    _networks_have_a_licence(subject)


def _networks_have_a_licence(subject: Subject) -> None:
    """Of those in the image: what `deepdesign weights list` says of each."""
    listed = subject.output("deepdesign", "weights", "list")
    blocks = {block.splitlines()[0]: block for block in listed.split("\n\n") if block.strip()}
    carried = subject.labels.get("deepdesign.weights", "").split()
    silent = [name for name in carried if "\n  licence: " not in blocks.get(name, "")]
    ensure(not silent, f"no licence is stated for the networks {', '.join(silent)}")
