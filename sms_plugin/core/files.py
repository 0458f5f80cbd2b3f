"""What a file is, by its first bytes and by nothing that anybody says of it."""

from __future__ import annotations

from typing import Final

PDF: Final = "application/pdf"
# https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", PDF),
)
_ENDINGS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    PDF: "pdf",
}


def kind_of(content: bytes) -> str:
    """The kind of a file that is taken, such as ``image/png``; empty for any other."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    found = (kind for begin, kind in _BEGINNINGS if content.startswith(begin))
    return next(found, "")


def is_picture(kind: str) -> bool:
    """Whether a kind of file is a picture."""
    return kind.startswith("image/")


def ending_of(kind: str) -> str:
    """How the name of a file of this kind ends."""
    return _ENDINGS.get(kind, "bin")
