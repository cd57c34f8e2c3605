"""Style transfer as a textbook has it: one size, float32, L-BFGS on the pixels, for ours to be held against.

Losses are relative to their targets, as ours are, so that both minimise the same number: ``weight`` times the
content loss at relu4_2, plus 40 times the mean of the style losses at relu1_1 to relu5_1.
"""

import time
from dataclasses import dataclass

import torch

__all__ = ["Textbook"]

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


@dataclass(frozen=True)
class Textbook:
    """What one run made: the picture with the least loss, (1, 3, H, W) in 0..1, and each step's figures."""

    picture: torch.Tensor
    losses: list[float]
    seconds: list[float]

    @classmethod
    def run(cls, content, style, network, *, weight: float, evaluations: int) -> "Textbook":
        """Start from ``content``; both pictures are (1, 3, H, W) in 0..1."""
        image = content.clone().requires_grad_()
        loss_of = objective(content, style, network, weight)
        optimizer = torch.optim.LBFGS([image], max_iter=1)
        best, losses, seconds = content, [], []

        def closure():
            nonlocal best
            optimizer.zero_grad()
            loss = loss_of(image)
            loss.backward()
            losses.append(loss.item())
            if losses[-1] == min(losses):  # without a line search the last is not always the best
                best = image.detach().clone()
            return loss

        for _ in range(evaluations):
            began = time.perf_counter()
            optimizer.step(closure)
            seconds.append(time.perf_counter() - began)
        return cls(best.clamp(0, 1), losses, seconds)


def objective(content, style, network, weight: float):
    """The loss of a picture (1, 3, H, W), as a function."""
    with torch.no_grad():
        forms = network(content, ["relu4_2"])["relu4_2"]
        textures = {layer: _gram(values) for layer, values in network(style, LAYERS).items()}

    def loss_of(image):
        found = network(image, [*LAYERS, "relu4_2"])
        loss = weight * (found["relu4_2"] - forms).square().mean() / forms.square().mean()
        for layer, wanted in textures.items():
            loss = loss + 8 * (_gram(found[layer]) - wanted).square().mean() / wanted.square().mean()
        return loss

    return loss_of


def _gram(features):
    flat = features.float().flatten(2).squeeze(0)
    return flat @ flat.T / flat.shape[1]
