"""What is in the image, and what must not be."""

import json

from images import sbom
from images.drift import drift
from images.lock import locked
from images.subject import Subject, ensure

_COMPILERS = "cc gcc g++ c++ clang as ld make cmake ninja nvcc uv cargo go"

# Debian's own; a further one would be a way to become root, or somebody else's mistake.
_SET_ID = """
/usr/bin/chage /usr/bin/chfn /usr/bin/chsh /usr/bin/expiry /usr/bin/gpasswd /usr/bin/mount /usr/bin/newgrp
/usr/bin/passwd /usr/bin/ssh-agent /usr/bin/su /usr/bin/umount /usr/lib/openssh/ssh-keysign
/usr/sbin/unix_chkpwd
"""

_SURVEY = """
import json, site, sys
import torch, torchvision
import bootstrap, images, techniques
print(json.dumps({
    "python": "%d.%d" % sys.version_info[:2],
    "torch": torch.__version__.partition("+")[0],
    "torchvision": torchvision.__version__.partition("+")[0],
    "cuda": torch.version.cuda,
    # get_arch_list() of older versions answers only where there is a card.
    "architectures": [word for word in torch._C._cuda_getArchFlags().split() if word.startswith("sm_")],
    "packages": [package.__file__ for package in (bootstrap, images, techniques)],
    "user_site": site.getusersitepackages(),
    "path": sys.path,
}))
"""


def has_no_compiler(subject: Subject) -> None:
    """Compilers stay in builder stages: they are size, and they are what an intruder would use."""
    found = subject.output("sh", "-c", f"for tool in {_COMPILERS}; do command -v $tool; done; true")
    ensure(not found.strip(), f"the image holds {', '.join(found.split())}")


def has_no_leftovers(subject: Subject) -> None:
    """No package lists, caches, repositories or tests of ours, and nothing that a build step forgot."""
    found = subject.output(
        "sh",
        "-c",
        "find / -xdev -name .git -not -path '/proc/*'; "
        "find /var/lib/apt/lists /var/cache/apt /root/.cache /tmp /var/tmp /run/secrets -type f 2>/dev/null; "
        "ls -d /opt/deepdesign/lib/python3*/site-packages/tests /opt/uv /source /dist /layer 2>/dev/null; "
        "true",
    )
    ensure(not found.strip(), f"the image holds {', '.join(found.split())}")


# One walk for both questions: the first one after a pull reads every folder of torch from the disk.
_RIGHTS = """
find / -xdev \
    \\( -type f -perm /6000 -printf 'set-id %p\\n' \\) , \
    \\( -perm -0002 -not -type l -not -type c -not \\( -type d -perm -1000 \\) -printf 'writable %p\\n' \\)
"""


def keeps_rights_narrow(subject: Subject) -> None:
    """No program of another user's rights beyond Debian's own, and nothing that everybody may write."""
    lines = [line.split(" ", 1) for line in subject.output("sh", "-euc", _RIGHTS).splitlines()]
    further = sorted({path for kind, path in lines if kind == "set-id"}.difference(_SET_ID.split()))
    ensure(not further, f"programs run with another user's rights: {', '.join(further)}")
    writable = [path for kind, path in lines if kind != "set-id"]
    ensure(not writable, f"everybody may write {', '.join(writable)}")


def is_what_its_row_says(subject: Subject) -> None:
    """The installed torch, its CUDA and its kernels are the matrix's, and the three packages are in."""
    choice = subject.choice
    # pip looks after the user site only if there is one, so a home with one is what must be looked at.
    survey = json.loads(
        subject.output("sh", "-c", 'mkdir -p "$(python -m site --user-site)" && python -c "$0"', _SURVEY)
    )
    variant = choice.variant
    for name, wanted in (
        ("python", choice.base.python),
        ("torch", variant.torch),
        ("torchvision", variant.torchvision),
        ("cuda", variant.cuda),
        ("architectures", list(variant.architectures)),
    ):
        ensure(survey[name] == wanted, f"the image's {name} is {survey[name]}, the matrix says {wanted}")
    ours = f"/opt/deepdesign/lib/python{choice.base.python}/site-packages"
    ensure(
        all(path.startswith(ours) for path in survey["packages"]), f"our packages lie in {survey['packages']}"
    )
    order = survey["path"]
    ensure(survey["user_site"] in order, "the user site is not on sys.path, so `pip install --user` is lost")
    ensure(
        order.index(ours) < order.index(survey["user_site"]),
        "the user site comes before the image's packages, so a broken install there can stop Jupyter",
    )


def explains_itself(subject: Subject) -> None:
    """`deepdesign-image-info` says what the labels say, and `--check` that there is no card here."""
    said = json.loads(subject.output("deepdesign-image-info", "--json", "--packages"))
    stated = {
        "deepdesign.lock": said["lock"],
        "deepdesign.torch": said["torch"],
        "deepdesign.architectures": " ".join(said["architectures"]),
        "deepdesign.least-driver": str(said["least_driver"]),
        "org.opencontainers.image.version": said["version"],
        "org.opencontainers.image.revision": said["revision"],
    }
    for name, value in stated.items():
        ensure(
            subject.labels.get(name) == value,
            f"image-info says {value}, the label {name} {subject.labels.get(name)}",
        )
    packages = {package["name"].lower() for package in said["packages"]}
    ensure(
        {"torch", "torchvision", "click", "deepdesign"} <= packages, "image-info does not list the packages"
    )
    told = subject.output("sh", "-c", "deepdesign-image-info --check; test $? = 1")
    ensure("--gpus all" in told, f"image-info --check does not say what to do without a driver: {told}")


# A fat binary of CUDA is a header (its size at 6, that of all entries at 8) and entries: kind at 0 (2 is
# machine code), sizes of header and content at 4 and 8, architecture at 28.
_RASTERISER = r"""
import importlib.util, json, pathlib, struct
import torch
def kernels(code, mark=b"\x50\xed\x55\xba"):
    at = code.find(mark)
    while at >= 0:
        header, total = struct.unpack_from("<HQ", code, at + 6)
        here, end = at + header, at + header + total
        while here < end:
            kind, _, before, size = struct.unpack_from("<HHIQ", code, here)
            if kind == 2:
                yield "sm_%d" % struct.unpack_from("<I", code, here + 28)
            here += before + size
        at = code.find(mark, end)
found = {"there": [name for name in ("nvdiffrast", "_nvdiffrast_c") if importlib.util.find_spec(name)]}
if found["there"]:
    import nvdiffrast, nvdiffrast.torch as dr
    found["version"] = nvdiffrast.__version__
    found["licence"] = pathlib.Path("/opt/deepdesign/share/licenses/nvdiffrast/LICENSE.txt").read_text()
    compiled = pathlib.Path(importlib.util.find_spec("_nvdiffrast_c").origin)
    found["architectures"] = sorted(set(kernels(compiled.read_bytes())))
    found["operations"] = [name for name in dir(dr) if not name.startswith("_")]
print(json.dumps(found))
"""


def is_free_of_what_its_tag_says(subject: Subject) -> None:
    """nvdiffrast, not for commercial use, is in the images that say so, with its licence; in others not."""
    pin = subject.choice.nvdiffrast
    found = json.loads(subject.output("python", "-c", _RASTERISER).splitlines()[-1])
    if pin is None:
        ensure(not found["there"], f"the image says that it is free of nvdiffrast and holds {found['there']}")
        return
    ensure(found.get("version") == pin.version, f"nvdiffrast is {found.get('version')}, not {pin.version}")
    ensure("1-Way Commercial" in found["licence"], "nvdiffrast's licence text is not the one that it has")
    wanted = sorted(subject.choice.variant.architectures)
    ensure(
        found["architectures"] == wanted,
        f"nvdiffrast has kernels for {found['architectures']}, not {wanted}",
    )
    missing = {"rasterize", "interpolate", "texture", "antialias"}.difference(found["operations"])
    ensure(not missing, f"nvdiffrast lacks {', '.join(sorted(missing))}")


def carries_the_networks_that_it_names(subject: Subject) -> None:
    """The label's weights are there, with the hashes of the registry, and image-info says the same."""
    wanted = subject.labels.get("deepdesign.weights", "").split()
    said = json.loads(subject.output("deepdesign-image-info", "--json"))
    ensure(said["weights"] == wanted, f"image-info names the weights {said['weights']}, the label {wanted}")
    there = subject.output("find", "/opt/deepdesign/weights", "-type", "f").split()
    ensure(len(there) == len(wanted), f"the image holds {there} for the weights {wanted}")
    if wanted:
        told = subject.output("deepdesign", "weights", "verify", *wanted)
        missing = [path for path in there if path not in told]
        ensure(not missing, f"not compared: {', '.join(missing)}")


def installed(subject: Subject) -> dict[str, str]:
    """Names and versions of the image's Python packages, without the project itself."""
    said = json.loads(subject.output("deepdesign-image-info", "--json", "--packages"))
    found = {package["name"]: package["version"] for package in said["packages"]}
    ensure(found.pop("deepdesign", None), "deepdesign itself is not installed in the image")
    return found


def holds_what_its_locks_say(subject: Subject) -> None:
    """No package is missing, additional or of another version."""
    lines = drift(locked(subject.choice), installed(subject))
    ensure(not lines, "; ".join(lines))


def carries_its_sbom(subject: Subject) -> None:
    """The SPDX document in the image lists what is installed, Debian's packages included."""
    listed = json.loads(subject.output("cat", sbom.PATH))
    there = {f"{package['name']} {package.get('versionInfo')}" for package in listed["packages"]}
    debian = subject.output("dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n").splitlines()
    wanted = {f"{name} {version}" for name, version in installed(subject).items()} | set(debian)
    missing = sorted(wanted - there)
    ensure(not missing, f"the SBOM lacks {', '.join(missing)}")


def has_consistent_packages(subject: Subject) -> None:
    """`pip check`: every package finds what it requires, but for what the matrix leaves out."""
    line = "python -m pip check --disable-pip-version-check 2>&1; echo $?"
    *said, status = subject.output("sh", "-c", line).splitlines()
    # Status 1 is pip's own, and also that of a Python without pip: so all that is said must be known.
    allowed = tuple(f" requires {name}, which is not installed." for name in subject.choice.without)
    unknown = [one for one in said if not one.endswith(allowed)]
    fine = (
        "No broken requirements found." in said if status == "0" else status == "1" and said and not unknown
    )
    ensure(fine, f"pip check ended with status {status}: {'; '.join(unknown) or 'it said nothing'}")
