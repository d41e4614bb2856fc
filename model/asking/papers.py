"""Pages of PDFs as pictures, drawn by PDFium. Scripts, forms and links in a PDF stay dead."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.asking.media import Shown, Unusable, digest_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MOST_PAGES", "open_pages"]

MOST_PAGES = 50
"""Of one PDF in one question."""
_SCALE = 2.0
"""Pixels for each point of a page: 144 to an inch."""
_MOST_PIXELS = 4_000_000
"""Of one drawn page; a larger page is drawn smaller."""


def open_pages(path: Path, pages: str = "") -> list[Shown]:
    """The pages of a PDF, drawn when they are looked at.

    Args:
        path: the PDF.
        pages: which ones, for example `1-3,7`; all when empty.

    Raises:
        Unusable: broken, locked by a password, no such page, or too many.
    """
    if find_spec("pypdfium2") is None:
        raise Unusable(f"{path}: PDFs need pypdfium2: pip install 'deskhand[ask]'")
    import pypdfium2

    try:
        paper = pypdfium2.PdfDocument(path)
        count = len(paper)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        said = "it is locked by a password" if locked else f"the PDF is broken: {' '.join(str(error).split())[:120]}"
        raise Unusable(f"{path}: {said}") from None
    chosen = _chosen(path, pages, count) if pages else list(range(1, count + 1))
    if not chosen:
        raise Unusable(f"{path}: the PDF has no pages")
    if len(chosen) > MOST_PAGES:
        raise Unusable(
            f"{path}: {len(chosen)} pages, at most {MOST_PAGES} at once; choose some, as --pages 1-{MOST_PAGES}"
        )
    digest = digest_of(path)
    return [_page(path, paper, number, digest) for number in chosen]


def _chosen(path: Path, pages: str, count: int) -> list[int]:
    found: list[int] = []
    for part in pages.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:-(\d{1,6}))?\s*", part)
        if match is None:
            raise Unusable(f"--pages {pages}: expected numbers and ranges such as 1-3,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise Unusable(f"--pages {pages}: {path} has pages 1 to {count}")
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def _page(path: Path, paper: Any, number: int, digest: str) -> Shown:
    import pypdfium2

    try:
        width, height = paper.get_page_size(number - 1)
    except pypdfium2.PdfiumError as error:
        raise Unusable(f"{path}: page {number} is broken: {' '.join(str(error).split())[:120]}") from None
    scale = min(_SCALE, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)

    def drawn() -> Image:
        try:
            page = paper[number - 1]
            return page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")  # type: ignore[no-any-return]
        except (pypdfium2.PdfiumError, ValueError, MemoryError) as error:
            raise Unusable(f"{path}: page {number} cannot be drawn: {' '.join(str(error).split())[:120]}") from None

    size = drawn().size
    return Shown(str(path), size, f"{digest}#{number}", drawn, number)
