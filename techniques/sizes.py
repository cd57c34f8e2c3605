"""How large a result becomes: pure arithmetic, before anything is computed."""

from techniques.errors import BadInputError

__all__ = ["LARGEST", "SMALLEST", "pyramid", "result_size"]

SMALLEST = 32  # px: below it, the fifth block of a VGG network has a single position left
LARGEST = 32_768  # px a side: a typing mistake rather than a wish


def result_size(
    content: tuple[int, int], *, size: int, width: int | None = None, height: int | None = None
) -> tuple[int, int]:
    """Width and height in pixels for a ``content`` of (width, height) pixels.

    ``size`` is the longer side. ``width`` and ``height`` together say both sides, one of them alone keeps the
    aspect; they come before ``size``.

    Raises:
        BadInputError: a side would be shorter than ``SMALLEST`` or longer than ``LARGEST``.
    """
    if width and height:
        result = width, height
    elif width:
        result = width, round(content[1] * width / content[0])
    elif height:
        result = round(content[0] * height / content[1]), height
    else:
        result = round(content[0] * size / max(content)), round(content[1] * size / max(content))
    if min(result) < SMALLEST or max(result) > LARGEST:
        raise BadInputError(
            f"The result would be {result[0]} x {result[1]} pixels; each side must have {SMALLEST} to "
            f"{LARGEST}. "
            "Choose another --size, or --width with --height."
        )
    return result


def pyramid(size: tuple[int, int], *, start: int) -> tuple[tuple[int, int], ...]:
    """Sizes from coarse to fine, a factor of the square root of 2 apart; the last one is ``size``.

    The first one's longer side is at least ``start`` px: below the receptive field of the deepest style layer
    (132 px in VGG16) the picture's own forms are lost. No side gets shorter than ``SMALLEST``.
    """
    steps = [size]
    factor = 2**-0.5
    while max(size) * factor >= start and min(size) * factor >= SMALLEST:
        steps.append((round(size[0] * factor), round(size[1] * factor)))
        factor *= 2**-0.5
    return tuple(reversed(steps))
