"""Small pictures are made anew, and nothing else of a file comes through."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from sms_plugin.services import pictures
from tests.support.pictures import PDF, picture


def opened(shown):
    return Image.open(io.BytesIO(shown.content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_large_picture_becomes_a_small_one(kind):
    shown = pictures.preview(picture(kind, (1600, 400)))

    assert opened(shown).size == (800, 200)
    assert shown.content_type == "image/jpeg"
    assert opened(shown).format == "JPEG"


def test_a_small_picture_is_not_blown_up():
    assert opened(pictures.preview(picture(size=(30, 20)))).size == (30, 20)


def test_a_picture_that_one_sees_through_stays_so():
    shown = pictures.preview(picture("PNG", mode="RGBA"))

    assert (shown.content_type, opened(shown).mode) == ("image/png", "RGBA")


def test_nothing_that_a_camera_or_anybody_wrote_into_it_is_left():
    exif = Image.Exif()
    exif[0x010E] = "my knee"  # ImageDescription
    exif.get_ifd(0x8825)[2] = (42.0, 13.0, 37.0)  # where it was taken
    given = picture(exif=exif, comment=b"hidden words", icc_profile=b"hidden profile")
    assert b"my knee" in given
    assert b"hidden words" in given

    shown = pictures.preview(given)

    assert b"my knee" not in shown.content
    assert b"hidden" not in shown.content
    assert not dict(opened(shown).getexif())


def test_a_picture_that_lies_on_its_side_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation

    assert opened(pictures.preview(picture(size=(40, 20), exif=exif))).size == (20, 40)


def bomb(width, height):
    """A few bytes that say of themselves to be an enormous picture."""

    def chunk(name, data):
        size, check = struct.pack(">I", len(data)), zlib.crc32(name + data)
        return size + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("side", [5_001, 12_000, 30_000])
def test_a_picture_with_too_many_pixels_is_never_unpacked(side, monkeypatch):
    def unpack(*_):
        pytest.fail("it was unpacked")

    monkeypatch.setattr(Image.Image, "convert", unpack)

    assert pictures.preview(bomb(side, side)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PDF,
        b"\xff\xd8\xff",
        b"\xff\xd8\xff" + b"x" * 5_000,
        picture()[:200],
        bomb(200, 200),
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + b"\xff" * 300,
        b"RIFF\x10\0\0\0WEBPVP8 ",
    ],
)
def test_what_is_no_picture_or_a_broken_one_has_none(content):
    assert pictures.preview(content) is None
