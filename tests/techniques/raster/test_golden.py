"""Both backends against committed tensors, within the tolerances that the docs state."""

import numpy as np
import pytest
import torch

from techniques.raster.backend import TorchRasteriser
from techniques.raster.choose import choose_rasteriser
from techniques.raster.nvdiffrast import NvdiffrastRasteriser
from tests.needs import need
from tests.techniques.raster.golden import PATH, pictures

SAME_TRIANGLE, PICTURE, COSINE = 0.995, 1e-3, 0.99


def agree(found, golden):
    for shape in ("cube", "sphere"):
        number, expected = found[f"{shape}/raster"][..., 3], golden[f"{shape}/raster"][..., 3]
        same = number == expected
        covered = (number > 0) | (expected > 0)
        assert same[covered].mean() >= SAME_TRIANGLE
        for name in ("raster", "changes", "colours"):
            difference = np.abs(found[f"{shape}/{name}"] - golden[f"{shape}/{name}"])[same]
            assert difference.max() < PICTURE, (shape, name)
        # A pixel of another triangle reaches its neighbours through the outline.
        other = np.pad(~same, ((0, 0), (1, 1), (1, 1)))
        near = other[:, 1:-1, :-2] | other[:, 1:-1, 2:] | other[:, :-2, 1:-1] | other[:, 2:, 1:-1]
        clear = same & ~near
        assert np.abs(found[f"{shape}/picture"] - golden[f"{shape}/picture"])[clear].max() < PICTURE
        for name in ("vertex_gradient", "texel_gradient"):
            a, b = found[f"{shape}/{name}"].ravel(), golden[f"{shape}/{name}"].ravel()
            assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > COSINE, (shape, name)
            assert np.linalg.norm(a) == pytest.approx(np.linalg.norm(b), rel=0.02)


@pytest.fixture(scope="module")
def golden():
    with np.load(PATH) as content:
        return dict(content)


def test_torch_gives_the_golden_tensors(golden):
    agree(pictures(TorchRasteriser()), golden)


@pytest.mark.gpu
def test_torch_on_a_card_gives_the_golden_tensors(golden):
    need("cuda")
    agree(pictures(TorchRasteriser(), "cuda"), golden)


@pytest.mark.gpu
def test_nvdiffrast_gives_the_golden_tensors(golden):
    need("nvdiffrast")
    agree(pictures(NvdiffrastRasteriser(torch.device("cuda")), "cuda"), golden)


@pytest.mark.gpu
def test_a_card_with_nvdiffrast_takes_it():
    need("nvdiffrast")
    assert choose_rasteriser(torch.device("cuda")).rasteriser.name == "nvdiffrast"
