"""What nvdiffrast is asked for, and when it is taken: by a stand-in that has its documented calls.

The stand-in computes with our own code, so this shows that arguments arrive where the documentation wants
them and that results are passed on; what the real one computes, tests marked ``gpu`` compare.
"""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from techniques.raster import choose
from techniques.raster.backend import TorchRasteriser
from techniques.raster.choose import choose_rasteriser
from techniques.raster.nvdiffrast import NvdiffrastRasteriser
from tests.techniques.raster.golden import PATH, pictures
from tests.techniques.raster.test_golden import agree

OURS = TorchRasteriser()


class Documented(ModuleType):
    """``nvdiffrast.torch`` 0.4 as its documentation has it: names, order and checks of the arguments."""

    class RasterizeCudaContext:
        def __init__(self, device=None):
            self.device = device

    def rasterize(self, glctx, pos, tri, resolution, ranges=None, grad_db=True):
        assert isinstance(glctx, self.RasterizeCudaContext)
        assert (pos.dtype, tri.dtype, pos.ndim) == (torch.float32, torch.int32, 3)
        assert pos.is_contiguous()
        assert tri.is_contiguous()
        return OURS.rasterize(pos, tri, *resolution)

    def interpolate(self, attr, rast, tri, rast_db=None, diff_attrs=None):
        assert (attr.dtype, tri.dtype) == (torch.float32, torch.int32)
        assert (rast_db is None) == (diff_attrs is None)
        found, slopes = OURS.interpolate(attr, rast, tri, rast_db, diff_attrs or ())
        return found, slopes if diff_attrs else None

    def texture(
        self, tex, uv, uv_da=None, mip_level_bias=None, mip=None,
        filter_mode="auto", boundary_mode="wrap", max_mip_level=None,
    ):  # fmt: skip
        assert (tex.ndim, uv.ndim, mip_level_bias, mip) == (4, 4, None, None)
        assert filter_mode in {"nearest", "linear", "linear-mipmap-linear"}
        assert (uv_da is not None) == (filter_mode == "linear-mipmap-linear")
        return OURS.texture(
            tex, uv, uv_da, filter_mode=filter_mode, boundary=boundary_mode, max_mip_level=max_mip_level
        )


@pytest.fixture
def installed(monkeypatch):
    found = Documented("nvdiffrast.torch")
    monkeypatch.setitem(sys.modules, "nvdiffrast", ModuleType("nvdiffrast"))
    monkeypatch.setitem(sys.modules, "nvdiffrast.torch", found)
    return found


CARD = SimpleNamespace(type="cuda")


@pytest.fixture
def card(monkeypatch):
    """A card that is the processor: choosing draws its test triangle there."""
    drawn = choose._draws_alike
    monkeypatch.setattr(choose, "_draws_alike", lambda tool, _: drawn(tool, torch.device("cpu")))
    return CARD


def test_the_whole_pipeline_through_the_documented_calls_is_the_golden_one(installed):
    with np.load(PATH) as golden:
        agree(pictures(NvdiffrastRasteriser(torch.device("cpu"))), dict(golden))


def test_it_is_taken_where_it_draws_as_documented(installed, card):
    choice = choose_rasteriser(card)
    assert choice.record()["name"] == "nvdiffrast"
    assert choice.record()["antialias"] == "silhouette-edge walk"


def test_one_that_draws_upside_down_is_not_taken(installed, card, monkeypatch):
    right = installed.rasterize
    monkeypatch.setattr(
        installed, "rasterize", lambda *asked: tuple(found.flip(1) for found in right(*asked)), raising=False
    )
    choice = choose_rasteriser(card)
    assert choice.record()["name"] == "torch"
    assert "otherwise than documented" in str(choice)


def test_one_that_fails_is_not_taken_and_the_reason_is_kept(installed, card, monkeypatch):
    def broken(device=None):
        raise RuntimeError("Found no NVIDIA driver")

    monkeypatch.setattr(installed, "RasterizeCudaContext", broken, raising=False)
    assert str(choose_rasteriser(card)) == "torch (nvdiffrast does not work here: Found no NVIDIA driver)"


def test_without_it_plain_pytorch_does_the_same_work(card, monkeypatch):
    monkeypatch.setitem(sys.modules, "nvdiffrast.torch", None)
    assert str(choose_rasteriser(card)) == "torch (nvdiffrast is not installed)"
