"""Small pictures to look at, made anew from what a patient sent.

Nothing of the file itself reaches a browser this way: neither where a picture was taken
nor whatever else somebody hid in it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps

from sms_plugin.core import files

LONGEST_SIDE: Final = 800
MOST_PIXELS: Final = 25_000_000
"""A picture of more is not unpacked: it takes four bytes of memory for each."""
_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")
_QUALITY: Final = 82


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture, and its kind."""

    content: bytes
    content_type: str


def preview(content: bytes) -> Preview | None:
    """Make a small picture; None for what is none, is broken or is far too large."""
    if not files.is_picture(files.kind_of(content)):
        return None
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            # A JPEG is unpacked at a fraction of its size.
            picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            return _small(picture)
    except Exception:  # noqa: BLE001  (a broken picture makes Pillow raise anything)
        return None


def _small(picture: Image.Image) -> Preview:
    turned = ImageOps.exif_transpose(picture)
    see_through = turned.has_transparency_data
    mode = "RGBA" if see_through else "RGB"
    plain = turned if turned.mode == mode else turned.convert(mode)
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    # A new picture takes over colours alone, and no remark of the old one's.
    clean = Image.new(plain.mode, plain.size)
    clean.paste(plain)
    out = io.BytesIO()
    if see_through:
        clean.save(out, "PNG")
        return Preview(out.getvalue(), "image/png")
    clean.save(out, "JPEG", quality=_QUALITY)
    return Preview(out.getvalue(), "image/jpeg")
