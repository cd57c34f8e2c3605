"""Pictures on disk: read strangers' files safely, keep what belongs to them, and write whole files."""

import io
import struct
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from techniques.errors import BadInputError
from techniques.files import written_whole

__all__ = [
    "DECODER_ERRORS",
    "FORMATS",
    "PIXEL_LIMIT",
    "READABLE",
    "Picture",
    "decoded",
    "fit",
    "fit_plane",
    "in_srgb",
    "read_mask",
    "read_picture",
    "require_holds",
    "save_picture",
    "upright",
]

# Twice Pillow's own warning limit, where it refuses by itself: 0.7 GB once decoded to RGBA.
PIXEL_LIMIT = 2 * 89_478_485
# An allow-list: Pillow would hand an .eps to Ghostscript, a program of its own.
READABLE = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
# All that Pillow's decoders raise on damaged files.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    OverflowError,
    struct.error,
)
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
# The longest side in pixels that a file of the format can hold, where a result could be larger.
_LONGEST = {"WEBP": 16_383}
_KEEPS_ALPHA = {"PNG", "WEBP", "TIFF"}
_KEEPS_16_BITS = {"PNG", "TIFF"}
# Pillow warns of what is either refused or mended. For good, because it is decoded in several threads, and
# blocks that put the filters back would undo each other's.
warnings.filterwarnings("ignore", module=r"PIL\b")
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# What makes a picture with an EXIF orientation upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """An upright picture: colours as float32 in 0..1, and what its file said besides.

    ``rgb`` is (height, width, 3), ``alpha`` (height, width) or None. ``profile`` is the ICC profile that
    ``rgb`` is to be read with; None means sRGB. ``height_map`` says that the file was one channel of more
    than 8 bits, as renderers write depth.
    """

    rgb: Plane
    alpha: Plane | None = None
    profile: bytes | None = None
    height_map: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]

    def over_white(self) -> Plane:
        """The colours as they look on paper: transparent parts are white. Shape (height, width, 3)."""
        if self.alpha is None:
            return self.rgb
        return self.rgb * self.alpha[..., None] + (1 - self.alpha[..., None])


def read_picture(path: Path, *, profile: bytes | None = None, convert: bool = False) -> Picture:
    """Read ``path`` upright, whatever its mode: grey, palette, transparent, CMYK, 16 bits a channel.

    An RGB picture keeps its own ICC profile; with ``convert`` its colours are brought into ``profile`` (None:
    sRGB) instead, so that pictures from different cameras can be compared.

    Raises:
        BadInputError: there is no such file, it is not a picture, it is damaged, or has more than
            ``PIXEL_LIMIT`` pixels (known from its header, before anything is decoded).
    """
    _check_file(path)
    try:
        with Image.open(path, formats=READABLE) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise Image.DecompressionBombError
            image.load()
            return decoded(upright(image), profile=profile, convert=convert)
    except Image.DecompressionBombError as error:
        raise BadInputError(
            f"{path} has more than {PIXEL_LIMIT // 1_000_000} million pixels, which does not fit into "
            "memory. "
            "Scale it down first."
        ) from error
    except UnidentifiedImageError as error:
        raise BadInputError(
            f"{path} is not a picture that can be read, whatever its name says. "
            "Save it as PNG or JPEG and try again."
        ) from error
    except PermissionError as error:
        raise BadInputError(f"{path} may not be read by you. Change its mode: chmod u+r FILE.") from error
    except DECODER_ERRORS as error:
        raise BadInputError(
            f"{path} is damaged and cannot be decoded ({_first_line(error)}). Copy or upload it again."
        ) from error


def read_mask(path: Path, flag: str, picture: Picture, name: Path | str) -> Picture:
    """The mask at ``path``, drawn over ``picture``, which messages call ``name``; ``flag`` is what named it.

    Raises:
        BadInputError: as ``read_picture``, or it has another size than the picture.
    """
    mask = read_picture(path)
    if mask.size != picture.size:
        raise BadInputError(
            f"{flag} {path} is {mask.size[0]} x {mask.size[1]} pixels, and {name} is {picture.size[0]} x "
            f"{picture.size[1]}. Scale the mask to the picture's size, without smoothing."
        )
    return mask


def fit(picture: Picture, size: tuple[int, int]) -> Picture:
    """Scale ``picture`` to fill ``size`` (width, height), cutting off what is too much; nothing is stretched.

    Lanczos with antialiasing, in floating point: 16-bit height maps keep their steps.
    """
    rgb = np.stack([fit_plane(picture.rgb[..., channel], size) for channel in range(3)], axis=-1)
    return replace(picture, rgb=rgb, alpha=None if picture.alpha is None else fit_plane(picture.alpha, size))


def fit_plane(plane: Plane, size: tuple[int, int]) -> Plane:
    """One channel (height, width) of 0..1, scaled and cut as ``fit`` does."""
    height, width = plane.shape
    scale = min(width / size[0], height / size[1])
    # One of the two is 0, but for rounding: Pillow refuses a box that begins at -1e-14.
    cut_x, cut_y = max(0.0, (width - size[0] * scale) / 2), max(0.0, (height - size[1] * scale) / 2)
    box = (cut_x, cut_y, width - cut_x, height - cut_y)
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, box=box), dtype=np.float32).clip(0, 1)


def in_srgb(picture: Picture) -> Picture:
    """``picture`` in the colours that screens show and networks were trained on, whatever its profile."""
    if picture.profile is None:
        return picture
    image = _in_profile(Image.fromarray(_bytes(picture.rgb)), picture.profile, _SRGB)
    return replace(picture, rgb=_floats(image), profile=None)


def require_holds(path: Path, size: tuple[int, int]) -> None:
    """See that the format which the suffix of ``path`` names can hold a picture of ``size`` (width, height).

    Raises:
        BadInputError: it cannot.
    """
    longest = _LONGEST.get(FORMATS.get(path.suffix.lower(), ""))
    if longest and max(size) > longest:
        raise BadInputError(
            f"-o {path}: the result would be {size[0]} x {size[1]} pixels, and {path.suffix} holds {longest} "
            "a side at most. Choose another format, or a smaller --size."
        )


def save_picture(path: Path, picture: Picture) -> None:
    """Write ``picture`` in the format that the suffix of ``path`` names, whole or not at all.

    JPEG and BMP have no transparency: it becomes white there. A height map stays one channel of 16 bits in
    PNG and TIFF.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    kind = FORMATS[path.suffix.lower()]
    options: dict[str, Any] = {"quality": 95} if kind in {"JPEG", "WEBP"} else {}
    if kind == "JPEG":
        options["subsampling"] = 0  # full colour resolution: brush strokes are coloured detail
    if picture.profile is not None and kind != "BMP":
        options["icc_profile"] = picture.profile
    if picture.height_map and kind in _KEEPS_16_BITS:
        levels = (picture.rgb.mean(axis=-1).clip(0, 1) * 65535).round().astype(np.uint16)
        image = Image.fromarray(levels)
        options.pop("icc_profile", None)
    elif picture.alpha is not None and kind in _KEEPS_ALPHA:
        image = Image.fromarray(_bytes(np.dstack([picture.rgb, picture.alpha])))
    else:
        image = Image.fromarray(_bytes(picture.over_white()))
    with written_whole(path) as draft:
        image.save(draft, format=kind, **options)


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise BadInputError(
                f"{path} does not exist. Check the spelling, and put quotes round a path with spaces."
            )
        if path.is_dir():
            raise BadInputError(f"{path} is a folder. Name one picture inside it.")
        if not path.is_file():
            raise BadInputError(f"{path} is not an ordinary file. Name a picture.")
        if path.stat().st_size == 0:
            raise BadInputError(
                f"{path} is empty (0 bytes): its upload did not finish. Copy or upload it again."
            )
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null byte
        raise BadInputError(f"{path} cannot be opened: {_first_line(error)}. Check the spelling.") from error


def upright(image: Image.Image) -> Image.Image:
    """``image`` turned as its EXIF block says, if that can be read.

    Unlike Pillow's own function, it does not write the block anew: cameras leave odd ones that cannot be.
    """
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except DECODER_ERRORS:
        return image
    return image if turn is None else image.transpose(turn)


def decoded(image: Image.Image, *, profile: bytes | None = None, convert: bool = False) -> Picture:
    """The loaded, upright ``image`` of any mode as a picture; the options are those of `read_picture`.

    Raises:
        ValueError: it holds values that are not numbers.
    """
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return _height_map(image)
    own = image.info.get("icc_profile")
    if image.mode in {"CMYK", "LAB"} and own:
        image, own = _in_profile(image, own, _SRGB), None  # inks have no RGB values of their own
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = _floats(image.getchannel("A"))
    elif image.mode not in {"RGB", "CMYK"}:
        own = own if image.mode == "P" else None  # a grey profile says nothing about three channels
    image = image.convert("RGB")
    if convert and own != profile:
        image, own = _in_profile(image, own or _SRGB, profile or _SRGB), profile
    return Picture(_floats(image), alpha, own)


def _height_map(image: Image.Image) -> Picture:
    levels = np.asarray(image).astype(np.float32)
    if not np.isfinite(levels).all():
        raise ValueError("it holds values that are not numbers")
    if image.mode == "F":
        # Metres, or any other unit: only the relief matters here.
        low, high = float(levels.min()), float(levels.max())
        levels = (levels - low) / (high - low) if high > low else np.zeros_like(levels)
    else:
        levels = (levels / 65535).clip(0, 1)
    return Picture(np.repeat(levels[..., None], 3, axis=-1), height_map=True)


def _in_profile(image: Image.Image, source: bytes, target: bytes) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(image, io.BytesIO(source), io.BytesIO(target), outputMode="RGB")
    except ImageCms.PyCMSError:
        return image.convert("RGB")  # a broken or foreign profile: the file's own numbers are the best guess
    return converted if converted is not None else image.convert("RGB")


def _floats(image: Image.Image) -> Plane:
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _bytes(values: Plane) -> NDArray[np.uint8]:
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
