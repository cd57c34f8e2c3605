"""The architectures that classifiers are built in, by name: torchvision's, and EfficientNet-Lite."""

from collections.abc import Callable
from dataclasses import dataclass

import torchvision
from torch import nn

from techniques.classifiers.efficientnet_lite import efficientnet_lite
from techniques.errors import BadInputError

__all__ = ["ARCHITECTURES", "Architecture", "architecture_named"]


@dataclass(frozen=True)
class Architecture:
    """``build`` makes the network for a number of classes, with random values; ``head`` is the name of its
    last layer, the one whose shape depends on that number. ``least`` is the shortest side in pixels of a
    picture that passes through it.
    """

    name: str
    build: Callable[[int], nn.Module]
    head: str
    least: int = 32


def _torchvision(name: str, head: str, least: int = 32) -> Architecture:
    # The weights of a checkpoint follow, so no time goes into an initialisation that costs some.
    extra = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    extra |= {"aux_logits": False} if name in {"googlenet", "inception_v3"} else {}

    def build(classes: int) -> nn.Module:
        network: nn.Module = getattr(torchvision.models, name)(weights=None, num_classes=classes, **extra)
        return network

    return Architecture(name, build, head, least)


def _lite(version: int) -> Architecture:
    return Architecture(
        f"efficientnet_lite{version}", lambda classes: efficientnet_lite(version, classes), "fc"
    )


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        _torchvision("mobilenet_v2", "classifier.1"),
        _torchvision("mobilenet_v3_small", "classifier.3"),
        _torchvision("mobilenet_v3_large", "classifier.3"),
        _torchvision("squeezenet1_1", "classifier.1"),
        _torchvision("resnet18", "fc"),
        _torchvision("resnet34", "fc"),
        _torchvision("resnet50", "fc"),
        _torchvision("resnet101", "fc"),
        _torchvision("densenet121", "classifier"),
        _torchvision("googlenet", "fc"),
        _torchvision("vgg11", "classifier.6"),
        _torchvision("vgg16", "classifier.6"),
        _torchvision("vgg16_bn", "classifier.6"),
        _torchvision("vgg19", "classifier.6"),
        _torchvision("efficientnet_b0", "classifier.1"),
        _torchvision("efficientnet_b2", "classifier.1"),
        _torchvision("efficientnet_v2_s", "classifier.1"),
        _torchvision("convnext_tiny", "classifier.2"),
        _lite(0),
        _lite(2),
    )
}


def architecture_named(name: str) -> Architecture:
    """The architecture called ``name``.

    Raises:
        BadInputError: there is none; the message lists those that there are.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise BadInputError(
            f"There is no architecture called {name!r}. Choose one of: {', '.join(ARCHITECTURES)}."
        ) from None
