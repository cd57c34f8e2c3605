"""Goals as values."""

import pytest
import torch

from techniques.dream.objectives import ClassLogit, Layer, value_of
from techniques.errors import BadInputError

LOGITS = torch.tensor([[1.0, 2.0, 4.0], [3.0, 0.0, 4.0]])
FOUND = {"deep": torch.arange(24.0).view(2, 3, 2, 2)}


def test_goals_are_weighted_and_added():
    goals = [ClassLogit(0, "a"), 0.5 * ClassLogit(1, "b"), -ClassLogit(2, "c")]

    assert float(value_of(goals, LOGITS, {})) == 2.0 + 0.5 * 1.0 - 4.0


def test_a_layer_a_channel_and_a_neuron():
    assert float(Layer("deep")(LOGITS, FOUND)) == pytest.approx(float(FOUND["deep"].square().mean()))
    assert float(Layer("deep", 1)(LOGITS, FOUND)) == float(FOUND["deep"][:, 1].mean())
    assert float(Layer("deep", 1, (1.0, 0.0))(LOGITS, FOUND)) == float(FOUND["deep"][:, 1, 0, 1].mean())
    assert (Layer("deep", 1, (1.0, 0.0)) * -2).name == "deep:1:1,0"
    assert (Layer("deep", 1) * -2).weight == -2


def test_a_channel_that_is_not_there_is_refused():
    with pytest.raises(BadInputError, match="3 channels"):
        Layer("deep", 3)(LOGITS, FOUND)
