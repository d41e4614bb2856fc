"""Pictures, recordings and papers that tests make to ask about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont


def make_film(
    path: Path, seconds: float = 3.0, rate: int = 10, size: tuple[int, int] = (96, 64), codec: str = "mpeg4"
) -> Path:
    """A recording whose colour tells the time: red counts seconds, in steps of 20; green is 200 from the middle on."""
    import av

    frames = round(seconds * rate)
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for n in range(frames):
            colour = (20 * (n // rate), 200 if n >= frames / 2 else 0, 0)
            frame = av.VideoFrame.from_image(Image.new("RGB", size, colour))
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return path


def make_paper(path: Path, pages: int = 2, **more: Any) -> Path:
    """A PDF with a coloured page for each, 200 x 100 points."""
    colours = ("red", "green", "blue")
    drawn = [Image.new("RGB", (200, 100), colours[n % 3]) for n in range(pages)]
    drawn[0].save(path, "pdf", save_all=True, append_images=drawn[1:], resolution=72.0, **more)
    return path


SETTINGS = (
    *("Account settings", "Full name", "Ada Lovelace", "Email address", "ada@example.org", "Language", "English"),
    *("Send me a weekly report", "Save", "Cancel", "Last changed on 12 March 2026"),
)
SAVE = (40, 350, 140, 390)


def draw_settings(path: Path) -> Path:
    """A plain page of settings; the lines of text that are on it are `SETTINGS`."""
    image = Image.new("RGB", (900, 500), "white")
    draw, small = ImageDraw.Draw(image), _font(16)
    draw.text((40, 30), SETTINGS[0], font=_font(28), fill="black")
    for row, y in enumerate((90, 150, 210)):
        draw.text((40, y), SETTINGS[1 + 2 * row], font=small, fill="#222")
        draw.rectangle((220, y - 8, 560, y + 28), outline="#888")
        draw.text((232, y), SETTINGS[2 + 2 * row], font=small, fill="black")
    draw.rectangle((40, 270, 58, 288), outline="black")
    draw.text((70, 270), SETTINGS[7], font=small, fill="black")
    for box, text, fill, ink in ((SAVE, "Save", "#1a73e8", "white"), ((160, 350, 260, 390), "Cancel", "#eee", "black")):
        draw.rounded_rectangle(box, 6, fill=fill)
        draw.text(((box[0] + box[2]) / 2, 370), text, font=small, fill=ink, anchor="mm")
    draw.text((40, 440), SETTINGS[10], font=small, fill="#444")
    image.save(path)
    return path


def _font(size: int) -> Any:
    for name in ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf"):
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return pytest.skip("no TrueType font to draw text with")
