from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from PIL import Image
from sample_run import Pass, booking, make_crash, make_run, target

from actuators.action import Click
from actuators.geometry import Point
from agent.audit.erase import erase_frames
from agent.report.film import Still, film
from agent.report.page import report_html, write_report
from agent.run_folder import RunFolder


def shots(gif: bytes) -> list[Image.Image]:
    with Image.open(io.BytesIO(gif)) as opened:
        found = []
        for number in range(opened.n_frames):  # type: ignore[attr-defined]
            opened.seek(number)
            found.append(opened.convert("RGB"))
        return found


def test_the_film_has_a_picture_for_each_step_and_one_for_the_end(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    html = write_report(folder).read_text()
    found = shots(folder.film.read_bytes())
    assert len(found) == 9 and {image.size for image in found} == {(640, 428)}
    assert 'src="data:image/gif;base64,' in html and "Watch the run as a film" in html
    assert folder.film.stat().st_size < 200_000


def test_the_target_is_marked_where_it_is(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "x")
    out = io.BytesIO()
    Image.new("RGB", (1280, 800), "white").save(out, "PNG")
    frame = folder.put_frame(out.getvalue())
    made = film(folder, [Still(frame, "a", ((200, 100, 400, 200),), ((900, 600),)), Still(frame, "b")])
    assert made is not None
    first, second = shots(made)
    red = [
        (x, y)
        for x, y in ((100, 75), (200, 100), (450, 300))
        if first.getpixel((x, y))[0] > 180 > first.getpixel((x, y))[1]
    ]
    assert red == [(100, 75), (450, 300)] or red == [(100, 75), (200, 100), (450, 300)]
    assert second.getpixel((100, 75)) == second.getpixel((450, 300)) == (255, 255, 255)


def noise(seed: int) -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (160, 100), random.Random(seed).randbytes(160 * 100 * 3)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def test_the_budget_holds_on_the_hardest_screens(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "x")
    stills = [Still(folder.put_frame(noise(seed)), str(seed)) for seed in range(14)]
    made = film(folder, stills, 300_000)
    assert made is not None and len(made) <= 300_000 and len(shots(made)) >= 10
    assert film(folder, stills, 1_000) is None


def test_what_cannot_be_read_is_left_out_and_one_picture_is_no_film(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "x")
    good = folder.put_frame(booking()[0].before)
    bad = folder.put_frame(b"GIF89a")
    assert film(folder, [Still(good, "a"), Still(bad, "b"), Still("../x", "c"), Still("0" * 64, "d")]) is None
    made = film(
        folder,
        [Still(good, "\x1b[31m\u202e" + "w" * 500, ((-(10**9), 5, 10**9, -7),)), Still(bad, ""), Still(good, "")],
    )
    assert made is not None and len(shots(made)) >= 1


def test_a_film_goes_with_the_frames_it_shows(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    write_report(folder)
    assert folder.film.exists()
    erase_frames(folder, [frame.stem for frame in folder.frames.iterdir()], "x")
    write_report(folder)
    assert not folder.film.exists() and "Watch the run" not in folder.report.read_text()


def test_a_crash_has_a_film_too(tmp_path: Path) -> None:
    assert "Watch the run as a film" in report_html(make_crash(tmp_path))


def test_fifty_steps_fit_in_a_page_of_less_than_ten_megabytes(tmp_path: Path) -> None:
    """Ordinary screens; the hardest ones are in test_report_page.py, marked slow."""
    pictures = [step.before for step in booking()]
    passes = [Pass("g", Click(at=Point(9 + n, 9)), target(), pictures[n % 8], pictures[(n + 1) % 8]) for n in range(50)]
    report = write_report(make_run(tmp_path, passes))
    print(f"50 steps: {report.stat().st_size / 1e6:.2f} MB")
    assert report.stat().st_size < 10_000_000


@pytest.mark.parametrize("count", [2, 61, 200])
def test_a_long_run_is_shown_from_its_first_to_its_last_step(tmp_path: Path, count: int) -> None:
    folder = RunFolder.create(tmp_path, "x")
    frames = []
    for shade in (10, 250):
        out = io.BytesIO()
        Image.new("RGB", (64, 40), (shade, shade, shade)).save(out, "PNG")
        frames.append(folder.put_frame(out.getvalue()))
    stills = [
        Still(frames[0], "0"),
        *(Still(frames[n % 2], str(n)) for n in range(1, count - 1)),
        Still(frames[1], "z"),
    ]
    made = film(folder, stills)
    assert made is not None
    found = shots(made)
    assert len(found) <= 60 and found[0].getpixel((5, 5))[0] < 60 and found[-1].getpixel((5, 5))[0] > 200
