"""From what a person asked for to the goals of each network that takes part."""

from collections.abc import Sequence

from techniques.classifiers.classifier import Classifier
from techniques.dream.dreaming import Dreamer, blocks
from techniques.dream.objectives import ClassLogit, Goal, Layer
from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import class_wish, growing, layer_wish, matching

__all__ = ["dreamers_for", "wanted_classes"]

_AMPLIFIED = 0.6  # of the way through the network: forms, not textures and not yet whole things
_AMPLIFY_WEIGHT = 20.0


def dreamers_for(classifiers: Sequence[Classifier], settings: DreamSettings) -> list[Dreamer]:
    """Each of ``classifiers`` with its own goals: the same names, at that network's own places.

    Raises:
        BadInputError: a network lacks a class; the message names the nearest ones.
    """
    return [Dreamer(classifier, _goals(classifier, settings)) for classifier in classifiers]


def wanted_classes(classifier: Classifier, settings: DreamSettings) -> list[str]:
    """The names, as the network spells them, of the classes that are to grow."""
    return [
        classifier.classes[matching(name, classifier.classes, classifier.name)]
        for name in growing(settings.classes)
    ]


def _goals(classifier: Classifier, settings: DreamSettings) -> list[Goal]:
    goals: list[Goal] = []
    for text in settings.classes:
        name, weight = class_wish(text)
        place = matching(name, classifier.classes, classifier.name)
        goals.append(ClassLogit(place, classifier.classes[place], weight=weight))
    for text in settings.layers:
        wish = layer_wish(text)
        goals.append(Layer(wish.module, wish.channel, wish.place, weight=wish.weight))
    if settings.amplify:
        names = blocks(classifier)
        goals.append(Layer(names[int(_AMPLIFIED * (len(names) - 1))], weight=_AMPLIFY_WEIGHT))
    return goals
