"""Which image runs on which machine, against NVIDIA's rules worked by hand."""

import pytest

from images import fit
from images.errors import UsageError
from images.matrix import load


@pytest.mark.parametrize(
    ("card", "architecture"),
    [
        ("P5000", "sm_61"),
        ("Quadro P5000", "sm_61"),
        ("rtx4000", "sm_75"),
        ("NVIDIA GeForce RTX 4090", "sm_89"),
        ("8.6", "sm_86"),
        ("12.0", "sm_120"),
        ("sm_90", "sm_90"),
    ],
)
def test_a_card_has_a_compute_capability(card, architecture):
    assert fit.capability(card) == architecture


@pytest.mark.parametrize("card", ["", "Voodoo 2", "3090x", "86", "RTX 4000 Ada", "sm_5", "sm_", "sm_1200"])
def test_an_unknown_card_is_asked_for_its_capability(card):
    with pytest.raises(UsageError, match=r"8\.6"):
        fit.capability(card)


@pytest.mark.parametrize(("driver", "branch"), [("525.116.04", 525), ("550", 550)])
def test_a_driver_is_compared_by_its_branch(driver, branch):
    assert fit.driver_branch(driver) == branch


@pytest.mark.parametrize("driver", ["", "latest", "-525", "v550", "5\u0665"])
def test_what_is_no_driver_version_is_refused(driver):
    with pytest.raises(UsageError, match="--driver"):
        fit.driver_branch(driver)


@pytest.mark.parametrize(
    ("card", "driver", "fitting"),
    [
        ("M4000", "525.116.04", {"cu126"}),
        ("P5000", "550", {"cu126"}),
        ("V100", "580", {"cu126"}),
        ("RTX4000", "525.116.04", {"cu126"}),
        ("RTX4000", "580.65", {"cu126", "cu130"}),
        ("L4", "580", {"cu126", "cu130"}),
        ("H100", "550", {"cu126"}),
        ("B200", "580", {"cu130"}),
        ("RTX 5090", "550", set()),
        ("H100", "470.57", set()),
    ],
)
def test_cards_of_the_course_find_their_variant(card, driver, fitting):
    machine = fit.capability(card), fit.driver_branch(driver)
    assert {
        name for name, variant in load().variants.items() if not fit.obstacles(variant, *machine)
    } == fitting


def test_every_obstacle_is_told():
    told = " ".join(fit.obstacles(load().variants["cu130"], "sm_61", 550))
    assert "sm_61" in told
    assert "580" in told


def test_a_kernel_serves_later_minors_of_its_major_only():
    cu126 = load().variants["cu126"]
    assert fit.has_kernels(cu126, "sm_61")
    assert fit.has_kernels(cu126, "sm_89")
    assert not fit.has_kernels(cu126, "sm_100")
    assert not fit.has_kernels(cu126, "sm_37")
