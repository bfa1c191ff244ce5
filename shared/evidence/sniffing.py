"""What a file is, by its content: its name and its sender's word count for nothing."""

import puremagic

from shared.kernel.refusal import Invalid

ALLOWED = ("image/jpeg", "image/png", "image/heif", "application/pdf")
"""Photographs and scanned papers. Nothing that runs, unpacks or calculates."""


def media_type_of(content: bytes) -> str:
    """One of ``ALLOWED``. Raises ``Invalid`` for anything else, and for nothing at all."""
    if not content:
        raise Invalid(code="file-empty", zh="文件为空", en="the file is empty", field="body")
    try:
        found: str = puremagic.from_string(content, mime=True)
    except puremagic.PureError:
        found = ""
    if found not in ALLOWED:
        raise Invalid(
            code="file-type-not-allowed",
            zh="只接受照片(JPEG、PNG、HEIC)和PDF文件",
            en="only photographs (JPEG, PNG, HEIC) and PDF files are taken",
            field="body",
        )
    return found
