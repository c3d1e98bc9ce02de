"""Images from files: their headers first, then their pixels, brought to one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from search.datasets.options import DataOptions
from search.datasets.parts import check_bytes
from search.datasets.raw import Array
from search.datasets.reading import read_each
from search.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

# Decoders of plain pictures: nothing that starts another program.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
_MOST_PIXELS = 64_000_000
_SMALL, _USUAL = 128, 96  # pixels a side: kept as they are up to; brought to
_GREY = frozenset({"1", "L", "I;16", "I;16B", "I;16L"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    height: int
    width: int
    is_grey: bool


def read_images(paths: Sequence[Path], options: DataOptions, source: str) -> tuple[Array, tuple[str, ...]]:
    """Pixels uint8 (n, height, width, channels), and what was done to them.

    Raises
    ------
    DataError
        When a file is no image, is damaged or declares more than 64 megapixels
        (found out before it is decoded), or all together need more than 4 GiB.
    """
    headers = list(read_each(paths, _header, "image headers"))
    height, width, sizes = _shape(headers, options)
    channels = options.channels or (1 if all(header.is_grey for header in headers) else 3)
    check_bytes(source, len(paths), height * width * channels, 1, "use smaller images (data_options.image_height)")
    pixels = np.empty((len(paths), height, width, channels), np.uint8)

    def decode(path: Path) -> Array:
        return _pixels(path, (width, height), channels, crop=options.image_fit == "crop")

    for index, image in enumerate(read_each(paths, decode, "images")):
        pixels[index] = image
    return pixels, sizes


def _shape(headers: Sequence[_Header], options: DataOptions) -> tuple[int, int, tuple[str, ...]]:
    """Height and width of all, and a note where they were not those of the files or asked for."""
    found = {(header.height, header.width) for header in headers}
    first = next(iter(found))
    as_found = len(found) == 1 and max(first) <= _SMALL
    height = options.image_height or (first[0] if as_found else options.image_width or _USUAL)
    width = options.image_width or (first[1] if as_found else height)
    if found == {(height, width)}:
        return height, width, ()
    least, most = min(found), max(found)
    sizes = f"{least[0]} x {least[1]}" + (f" to {most[0]} x {most[1]}" if least != most else "")
    how = "their middle cut out" if options.image_fit == "crop" else "stretched"
    return height, width, (f"images of {sizes} pixels are brought to {height} x {width}, {how}",)


def _opened(path: Path) -> Image.Image:
    """The image with its header read and no pixel decoded; Pillow's errors are of many kinds."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(path, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, str(error)) from error
    except UnidentifiedImageError as error:
        raise DataError(f"data file {str(path)!r} is no image of a kind that is read: remove it") from error
    except Exception as error:
        raise _damaged(path, error) from error
    if image.width * image.height > _MOST_PIXELS:
        image.close()
        raise _too_large(path, f"{image.height} x {image.width} pixels")
    return image


def _header(path: Path) -> _Header:
    with _opened(path) as image:
        return _Header(height=image.height, width=image.width, is_grey=image.mode in _GREY)


def _pixels(path: Path, size: tuple[int, int], channels: int, *, crop: bool) -> Array:
    """Pixels uint8 (height, width, channels) of one file; `size` is (width, height)."""
    from PIL import Image, ImageOps

    mode = "L" if channels == 1 else "RGB"
    with _opened(path) as image:
        try:
            image.draft(mode, size)  # JPEG only: decodes at an eighth, quarter or half where that is enough
            upright = ImageOps.exif_transpose(image)
            flat = _flat(upright, mode)
        except Exception as error:
            raise _damaged(path, error) from error
        if flat.size != size:
            how = Image.Resampling.BILINEAR
            flat = ImageOps.fit(flat, size, how) if crop else flat.resize(size, how)
    return np.asarray(flat, np.uint8).reshape(size[1], size[0], channels)


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """Eight bits a channel and no transparency: what is clear becomes black."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits of grey: the upper eight
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray((values >> 8).clip(0, 255).astype(np.uint8), "L").convert(mode)
    if image.mode == "F":
        raise ValueError("its pixels are broken numbers: save it with 8 bits a channel")
    if "A" in image.mode or "transparency" in image.info:
        clear = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, (0, 0, 0, 255)), clear).convert(mode)
    return image.convert(mode)


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"data file {str(path)!r} is a damaged image ({error}): remove it, or write it again")


def _too_large(path: Path, what: str) -> DataError:
    return DataError(f"data file {str(path)!r} declares too large an image ({what}), the most is {_MOST_PIXELS} pixels")
