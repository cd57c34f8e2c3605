import weakref

import pytest
import torch

from techniques.errors import BadInputError, WorkFailedError
from techniques.plans import LADDER, Costs, Planner, Way, restored

COSTS = Costs(pixel=1800, pixel_checkpointed=1400, halo=58, copies=10, targets=32, fixed=900 << 20)
GB = 2**30
POSTER = (6000, 4000)


def test_a_small_picture_is_computed_whole_and_a_poster_in_tiles():
    planner = Planner(6 * GB, COSTS)

    assert planner.way((512, 384)) == Way()
    way = planner.way(POSTER)
    assert way.tile in {512, 768, 1024}
    assert COSTS.of(POSTER, way) <= 6 * GB
    assert str(way.tile) in planner.describe(POSTER)
    assert planner.record(POSTER)["tile"] == way.tile


def test_more_memory_never_means_a_thriftier_way():
    rungs = [LADDER.index(Planner(limit * GB, COSTS).way(POSTER)) for limit in (4, 5, 6, 8, 16, 48)]

    assert rungs == sorted(rungs, reverse=True)
    assert rungs[-1] == 0
    assert len(set(rungs)) >= 4


def test_what_fits_in_no_way_is_refused():
    with pytest.raises(BadInputError, match=r"6000 x 4000 px take about .* GB.*and there are 2.0 GB. Buy"):
        Planner(2 * GB, COSTS).require(POSTER, "Buy more.")
    Planner(6 * GB, COSTS).require(POSTER, "Buy more.")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to")])
def test_when_memory_runs_out_the_work_is_done_again_in_a_thriftier_way(error):
    planner, tried, said = Planner(100 * GB, COSTS), [], []

    def work(way):
        tried.append(way)
        if way.tile is None or way.tile > 1024:
            raise error
        return "done"

    assert planner.attempt(POSTER, work, said.append) == "done"
    assert tried == [Way(), Way(checkpointed=True), Way(2048), Way(1536), Way(1024)]
    assert said[-1] == "Memory ran out; going on in tiles of 1024 px."
    assert planner.record(POSTER)["changes"][-1] == "6000 x 4000: in tiles of 1024 px"

    again = restored(planner.state(), GB, COSTS, forced=False)
    assert again.way(POSTER) == Way(1024)
    assert restored(planner.state(), 6 * GB, COSTS, forced=True).limit == 6 * GB


def test_other_errors_are_not_tried_again():
    def work(way):
        raise RuntimeError("shapes")

    with pytest.raises(RuntimeError, match="shapes"):
        Planner(GB, COSTS).attempt(POSTER, work, print)


def test_the_last_way_failing_ends_the_work():
    def work(way):
        raise MemoryError

    with pytest.raises(WorkFailedError, match="not enough memory for 6000 x 4000 px, even in tiles of 64 px"):
        Planner(GB, COSTS).attempt(POSTER, work, lambda _: None)


def test_a_way_back_that_failed_holds_no_memory_when_the_work_is_done_again():
    """PyTorch's engine keeps what it had queued when an error stopped it, and with it every activation."""
    held = []

    class Large(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            context.activations = torch.zeros(8)
            held.append(weakref.ref(context.activations))
            return x.clone()

        @staticmethod
        def backward(context, outer):
            return outer

    class RunsOut(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x.clone()

        @staticmethod
        def backward(context, outer):
            raise MemoryError

    def work(way):
        if held:
            return [reference() for reference in held]
        x = torch.zeros(1, requires_grad=True)
        (Large.apply(x) + RunsOut.apply(x)).backward()
        return None

    assert Planner(100 * GB, COSTS).attempt(POSTER, work, lambda _: None) == [None]
