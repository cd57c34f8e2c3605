"""Style transfer on a card: the same picture, tiles where its memory runs out, and a resumed run."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from techniques.device import choose_device
from techniques.errors import InterruptedRunError
from techniques.optimise import Verdict
from techniques.pictures import read_picture
from techniques.plans import Costs, Planner
from techniques.style import StyleSettings, style_files, stylize
from tests.needs import need

pytestmark = pytest.mark.gpu

QUICK = StyleSettings(size=192, iterations=12, device="cuda", precision="float32", optimizer="adam")
PLENTY = Costs(pixel=0, pixel_checkpointed=0, halo=0, copies=0, targets=0, fixed=0)


@pytest.fixture(autouse=True)
def a_card():
    need("cuda")


@pytest.fixture
def pictures(small):
    return read_picture(small["china"]), [read_picture(small["coffee"])]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_card_goes_the_way_of_the_processor(optimizer, pictures, network):
    losses = {}
    for device in ("cpu", "cuda"):
        settings = replace(QUICK, device=device, optimizer=optimizer)
        losses[device] = stylize(*pictures, settings, network=network).history["total"]
    network.to("cpu")

    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.02)


def test_bfloat16_comes_as_near_to_the_style(pictures, network):
    if choose_device("cuda").precision != torch.bfloat16:
        pytest.skip("a card older than Ampere, which only emulates bfloat16")
    reached = {}
    for precision in ("float32", "bfloat16"):
        made = stylize(*pictures, replace(QUICK, precision=precision), network=network)
        reached[precision] = made.metrics["style"]
    network.computing_in(torch.float32).to("cpu")

    assert reached["bfloat16"] == pytest.approx(reached["float32"], rel=0.1)


def test_a_picture_made_in_tiles_is_the_one_made_whole(pictures, network):
    made = {}
    for limit in (64 * 64 * 1000, 10**9):
        planner = Planner(limit, replace(PLENTY, pixel=1000, pixel_checkpointed=1000))
        made[limit] = stylize(*pictures, QUICK, network=network, planner=planner).picture.rgb
    network.to("cpu")

    one, other = made.values()
    assert np.abs(one - other).max() < 1 / 255


def test_where_the_card_s_memory_runs_out_the_work_goes_on_in_tiles(pictures, network):
    said = []
    _, total = torch.cuda.mem_get_info()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, (600 << 20) / total))
    try:
        planner = Planner(10**12, PLENTY)
        made = stylize(
            *pictures,
            replace(QUICK, size=1024, iterations=6),
            network=network,
            planner=planner,
            announce=said.append,
        )
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        network.to("cpu")

    assert any("Memory ran out; going on" in line for line in said)
    assert made.picture.size[0] == 1024
    assert made.metrics["style"] < made.metrics["style_of_content"]


def test_an_interrupted_run_goes_on_on_the_card(pictures, network):
    states = []

    def stop(step):
        if step.number == 6:
            states.append(step.state())
            raise InterruptedRunError
        return Verdict.GO_ON

    whole = stylize(*pictures, QUICK, network=network)
    with pytest.raises(InterruptedRunError):
        stylize(*pictures, QUICK, network=network, callbacks=[stop])
    again = stylize(*pictures, QUICK, network=network, state=states[0])
    network.to("cpu")

    # Sums on a card are not added in the same order twice.
    assert np.abs(whole.picture.rgb - again.picture.rgb).mean() < 2 / 255


def test_the_record_names_the_card_and_its_memory(small, tmp_path, weights):
    record = style_files(small["china"], small["coffee"], output=tmp_path / "a.png", settings=QUICK)

    assert record["device"] == "cuda"
    assert torch.cuda.get_device_name() in record["machine"]
    assert 0 < record["metrics"]["peak_memory_mb"] < torch.cuda.mem_get_info()[1] >> 20
