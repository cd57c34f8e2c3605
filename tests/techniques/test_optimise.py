import io
import math
from dataclasses import replace

import pytest
import torch

from techniques.errors import WorkFailedError
from techniques.losses import Terms
from techniques.optimise import DivergedError, Stage, Verdict, optimise


def valley(*centres, steps=20):
    """Stages of an ill-conditioned quadratic, each with its own centre; the loss is 0 there."""

    def stage(number, centre):
        def objective():
            curvature = torch.logspace(0, 2, 6)

            def rate(parameters):
                loss = (curvature * (parameters["x"] - centre).square()).mean()
                return Terms(loss, {"distance": loss.detach()})

            return rate

        return Stage(
            f"stage {number}",
            steps,
            lambda previous: {"x": torch.zeros(6)} if previous is None else previous,
            objective,
        )

    return [stage(number, centre) for number, centre in enumerate(centres)]


@pytest.mark.parametrize(("optimizer", "steps", "near"), [("lbfgs", 30, 1e-3), ("adam", 400, 0.1)])
def test_each_optimizer_reaches_the_last_stages_centre(optimizer, steps, near):
    parameters, history = optimise(valley(1.0, 2.0, steps=steps), optimizer=optimizer)

    assert (parameters["x"] - 2).abs().max() < near
    assert len(history["total"]) == len(history["distance"]) == 2 * steps


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("keep", ["best", "average"])
@pytest.mark.parametrize("at", [1, 7, 12, 13, 20, 24])
def test_a_run_continued_from_any_step_ends_in_the_same_numbers(optimizer, keep, at):
    saved = io.BytesIO()

    def save(step):
        if step.number == at:
            torch.save(step.state(), saved)
        return Verdict.GO_ON

    whole, losses = optimise(valley(1.0, -3.0, steps=12), optimizer=optimizer, keep=keep, callbacks=[save])
    saved.seek(0)
    state = torch.load(saved, weights_only=True)
    again, losses_again = optimise(valley(1.0, -3.0, steps=12), optimizer=optimizer, keep=keep, state=state)

    assert torch.equal(whole["x"], again["x"])
    assert losses == losses_again


def test_the_best_parameters_are_handed_on_not_the_last():
    seen = []

    def rate(parameters):
        x = parameters["x"]
        seen.append(float(x.detach().sum()))
        loss = (x**4 - 3 * x**2 + x).sum() + 10
        return Terms(loss, {})

    stage = Stage("well", 40, lambda _: {"x": torch.tensor([3.0])}, lambda: rate)
    parameters, history = optimise([stage])
    best = min(range(40), key=lambda step: history["total"][step])

    assert float(parameters["x"].sum()) == pytest.approx(seen[best])


def test_a_loss_that_is_not_a_number_names_its_step():
    calls = []

    def rate(parameters):
        calls.append(1)
        loss = parameters["x"].square().sum()
        return Terms(loss * math.nan if len(calls) == 4 else loss, {})

    stage = Stage("96 x 64", 9, lambda _: {"x": torch.ones(2)}, lambda: rate)
    with pytest.raises(WorkFailedError, match=r"Step 4 \(96 x 64\).*not a number"):
        optimise([stage])


def test_a_callback_can_end_a_stage_early():
    def enough(step):
        return Verdict.NEXT_STAGE if step.loss < 1e-4 else Verdict.GO_ON

    parameters, history = optimise(valley(1.0, 2.0, steps=50), callbacks=[enough])

    assert len(history["total"]) < 60
    assert (parameters["x"] - 2).abs().max() < 0.05


def test_steps_are_numbered_over_all_stages():
    seen = []

    def note(step):
        seen.append((step.number, step.steps, step.stage))
        return Verdict.GO_ON

    optimise(valley(1.0, 2.0, steps=2), callbacks=[note])

    assert seen == [(1, 4, "stage 0"), (2, 4, "stage 0"), (3, 4, "stage 1"), (4, 4, "stage 1")]


@pytest.mark.parametrize(("optimizer", "keep"), [("lbfgs", "best"), ("adam", "average")])
def test_a_stage_that_fails_in_its_first_step_leaves_the_result_of_the_one_before(optimizer, keep):
    first, second = valley(1.0, 2.0, steps=3)

    def fails():
        rate = second.objective()
        return lambda parameters: replace(rate(parameters), total=rate(parameters).total * math.nan)

    with pytest.raises(DivergedError, match=r"Step 4 \(stage 1\)") as stopped:
        optimise([first, replace(second, objective=fails)], optimizer=optimizer, keep=keep)

    reached, _ = optimise([first], optimizer=optimizer, keep=keep)
    assert torch.equal(stopped.value.last["x"], second.start(reached)["x"])


@pytest.mark.parametrize(("optimizer", "keep"), [("lbfgs", "best"), ("adam", "average")])
def test_a_loss_that_is_no_number_stops_the_run_with_the_last_good_result(optimizer, keep):
    [stage] = valley(1.0)
    seen = []

    def objective():
        rate = stage.objective()

        def rated(parameters):
            terms = rate(parameters)
            seen.append(terms.total.item())
            return Terms(terms.total * math.nan, terms.parts) if len(seen) == 6 else terms

        return rated

    with pytest.raises(DivergedError, match=r"Step 6 \(stage 0\): the loss is not a number") as stopped:
        optimise([replace(stage, objective=objective)], optimizer=optimizer, keep=keep)

    last = stopped.value.last["x"]
    assert torch.isfinite(last).all()
    assert float(stage.objective()({"x": last}).total) < seen[0]
