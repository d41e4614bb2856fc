"""Files: what is taken, how it is turned into pictures, and one line for everything that is not."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asked_files import make_paper
from PIL import Image

from model.asking import media, papers
from model.asking.media import Unusable, open_media


def png_of(width: int, height: int) -> bytes:
    """A small PNG file that says that it is very large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 2000))
        + chunk(b"IEND", b"")
    )


def refused(paths: list[Path], pages: str = "") -> str:
    with pytest.raises(Unusable) as caught:
        open_media(paths, pages)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.png", None, "there is no such file"),
        ("empty.png", b"", "the file is empty"),
        ("text.png", b"hello there, no picture", "neither a picture"),
        ("page.html", b"<!doctype html><script>alert(1)</script>", "neither a picture"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a picture"),
        ("print.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "neither a picture"),
        ("cut.png", png_of(40, 40)[:60], "broken or cut off"),
        ("bomb.png", png_of(60_000, 60_000), "far too many pixels"),
        ("large.png", png_of(12_000, 9_000), "12000x9000 pixels, at most 100 million"),
        ("cut.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 30, "broken or cut off"),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<", "the PDF is broken"),
    ],
)
def test_what_cannot_be_asked_about(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    line = refused([path])
    assert line.startswith(f"{path}: ") and said in line


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "not readable" in refused([tmp_path])


def test_what_a_file_is_does_not_hang_on_its_name(tmp_path: Path, picture: Callable[..., Path], paper: Path) -> None:
    picture("a.png").rename(tmp_path / "a.pdf")
    paper.rename(tmp_path / "b.png")
    found = open_media([tmp_path / "a.pdf", tmp_path / "b.png"])
    assert [(one.size, one.page) for one in found.pictures] == [((200, 120), None), ((400, 200), 1), ((400, 200), 2)]


def test_pictures_are_upright_opaque_and_eight_bits(tmp_path: Path) -> None:
    turned = Image.new("RGB", (30, 20), "blue")
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    turned.save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("I;16", (8, 8), 32896).save(tmp_path / "deep.png")
    Image.new("P", (8, 8), 0).save(tmp_path / "palette.gif")
    found = open_media([tmp_path / name for name in ("turned.jpg", "clear.png", "deep.png", "palette.gif")]).pictures
    assert found[0].size == (20, 30) == found[0].image().size
    assert found[1].image().getpixel((4, 4)) == (255, 255, 255)
    assert found[2].image().getpixel((4, 4)) == (128, 128, 128)
    assert {one.image().mode for one in found} == {"RGB"}


def test_one_picture_twice_has_one_digest(tmp_path: Path, picture: Callable[..., Path]) -> None:
    path = picture("a.png")
    one, other = open_media([path, path]).pictures
    assert one.digest == other.digest != open_media([picture("b.png", seed=2)]).pictures[0].digest


def test_pages_of_a_pdf_are_drawn_at_two_pixels_a_point(paper: Path) -> None:
    first, second = open_media([paper]).pictures
    assert (first.size, first.page, first.called) == ((400, 200), 1, f"{paper}, page 1")
    red, green = (one.image().getpixel((200, 100)) for one in (first, second))
    assert red[0] > 240 > 20 > red[1] and green[0] < 20 < 100 < green[1]
    assert [one.page for one in open_media([paper], "2").pictures] == [2]
    assert [one.page for one in open_media([paper], "2,1-2").pictures] == [2, 1]


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ("3", "has pages 1 to 2"),
        ("0", "has pages 1 to 2"),
        ("2-1", "has pages 1 to 2"),
        ("first", "expected numbers and ranges"),
    ],
)
def test_pages_that_are_not_there(paper: Path, pages: str, said: str) -> None:
    assert said in refused([paper], pages)


def test_pages_of_what_has_none(picture: Callable[..., Path]) -> None:
    assert "none of the files is a PDF" in refused([picture()], "1")


def test_too_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_paper(tmp_path / "long.pdf", papers.MOST_PAGES + 1)
    assert (
        f"{papers.MOST_PAGES + 1} pages, at most {papers.MOST_PAGES} at once; choose some, as --pages 1-50"
        in refused([path])
    )
    assert len(open_media([path], "1-50").pictures) == 50


def test_a_locked_pdf(tmp_path: Path) -> None:
    """Encryption by the standard handler with a key nobody has: PDFium asks for a password."""
    path = tmp_path / "locked.pdf"
    body = make_paper(tmp_path / "open.pdf", 1).read_bytes()
    at = body.rindex(b"trailer\n<<") + len(b"trailer\n<<")
    lock = b"/Encrypt <</Filter/Standard/V 1/R 2/O<" + b"11" * 32 + b">/U<" + b"22" * 32 + b">/P -4>>/ID[<00><00>]"
    path.write_bytes(body[:at] + lock + body[at:])
    assert "locked by a password" in refused([path])


def test_a_huge_page_is_drawn_small(tmp_path: Path) -> None:
    path = tmp_path / "poster.pdf"
    Image.new("RGB", (100, 100), "red").save(path, "pdf", resolution=0.5)  # 14,400 points a side
    [page] = open_media([path]).pictures
    assert page.size[0] * page.size[1] <= 4_010_000


def test_a_recording_is_asked_about_alone(film: Path, picture: Callable[..., Path]) -> None:
    assert "a recording is asked about alone" in refused([picture(), film])


def test_very_many_files(picture: Callable[..., Path]) -> None:
    assert "at most 64" in refused([picture()] * (media.MOST_FILES + 1))


@pytest.mark.parametrize("missing", ["pypdfium2", "av"])
def test_a_missing_package_is_named(paper: Path, film: Path, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.util import find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name == missing else find_spec(name, *rest)

    module = "papers" if missing == "pypdfium2" else "recordings"
    monkeypatch.setattr(f"model.asking.{module}.find_spec", without)
    assert "pip install 'deskhand[ask]'" in refused([paper if missing == "pypdfium2" else film])
