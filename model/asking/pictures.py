"""Opening picture files: upright, opaque, and no larger than they may be."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, ImageOps

from model.asking.media import MOST_PIXELS, Shown, Unusable, digest_of

__all__ = ["open_picture"]

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What is decoded. Pillow knows more, some of them through programs of their own (PostScript)."""
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, OverflowError, MemoryError, Warning)
_WHITE = (255, 255, 255)


def open_picture(path: Path) -> Shown:
    """One picture, looked over by decoding it once; of an animation the first frame.

    Raises:
        Unusable: broken, or too large.
    """
    width, height = _decoded(path).size
    return Shown(str(path), (width, height), digest_of(path), lambda: _decoded(path))


def _decoded(path: Path) -> Image.Image:
    """Upright as its EXIF data says, on white where it is transparent, mode RGB."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_FORMATS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise Unusable(_too_large(path, opened.size))
                opened.load()
                return _opaque(ImageOps.exif_transpose(opened))
        except Image.DecompressionBombError:
            raise Unusable(
                f"{path}: far too many pixels, at most {MOST_PIXELS // 10**6} million are looked at"
            ) from None
        except _BROKEN as error:
            said = " ".join(str(error).split())[:120] or type(error).__name__
            raise Unusable(f"{path}: the picture is broken or cut off: {said}") from None


def _too_large(path: Path, size: tuple[int, int]) -> str:
    million = MOST_PIXELS // 10**6
    return f"{path}: {size[0]}x{size[1]} pixels, at most {million} million are looked at; make it smaller first"


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        above = image.convert("RGBA")
        ground = Image.new("RGBA", above.size, (*_WHITE, 255))
        return Image.alpha_composite(ground, above).convert("RGB")
    if image.mode.startswith("I;16") or image.mode == "I":  # 16 bits a channel: Pillow would cut them off, not scale
        return image.point(lambda value: value / 257).convert("L").convert("RGB")
    return image.convert("RGB")
