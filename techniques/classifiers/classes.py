"""Lists of class names, by the name that the registry gives them."""

from torchvision.models._meta import _IMAGENET_CATEGORIES

__all__ = ["CLASS_LISTS"]

# torchvision's thousand names are all different, which not every published list of ImageNet's can say
# ("crane" and "maillot" are two things each). Private there, but its weights' public `meta` is this list.
CLASS_LISTS: dict[str, tuple[str, ...]] = {"imagenet": tuple(_IMAGENET_CATEGORIES)}
