from __future__ import annotations

import pytest

from sms_plugin.core import files
from tests.support.pictures import PDF, picture


@pytest.mark.parametrize(
    ("content", "kind", "ending"),
    [
        (picture("JPEG"), "image/jpeg", "jpg"),
        (picture("PNG"), "image/png", "png"),
        (picture("GIF"), "image/gif", "gif"),
        (picture("WEBP"), "image/webp", "webp"),
        (PDF, "application/pdf", "pdf"),
    ],
    ids=["jpeg", "png", "gif", "webp", "pdf"],
)
def test_a_file_is_known_by_its_first_bytes(content, kind, ending):
    assert files.kind_of(content) == kind
    assert files.ending_of(kind) == ending
    assert files.is_picture(kind) == (ending != "pdf")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF\0\0\0\0AVI ",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><script>alert(1)</script>",
        b" " + PDF,
        b"MZ\x90",
        b"BEGIN:VCARD\r\n",
        b"II*\0",
    ],
)
def test_any_other_file_has_no_kind(content):
    assert files.kind_of(content) == ""
