"""A film alone gives a draft: what was typed and what came; each line is marked, and what cannot be told is said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from procs import agent

from actuators.geometry import Rect
from agent.recording.learn import Guess, Line, drafted, guesses, guesses_told
from agent.task import load_task
from model.asking.media import Moment, Recording, Unusable

SIZE = (800, 500)
FORM = {
    "Open an account": Rect(40, 30, 300, 60),
    "Full name": Rect(40, 110, 130, 130),
    "I agree": Rect(80, 170, 140, 190),
}


def picture(*drawn: tuple[Rect, str], ground: str = "#ffffff") -> Image.Image:
    image = Image.new("RGB", SIZE, ground)
    draw = ImageDraw.Draw(image)
    for box, colour in drawn:
        draw.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), fill=colour)
    return image


def film(*pictures: Image.Image) -> Recording:
    """Each for a second."""
    moments = [Moment(at + 0.5, 10**6, (one, one), str(at)) for at, one in enumerate(pictures)]
    return Recording("film.webm", SIZE, float(len(pictures)), tuple(moments), 2.0)


TYPED = [Rect(150, 110, 150 + 30 * n, 130) for n in (1, 2, 3)]
TICK = Rect(50, 170, 70, 190)
LAST = picture((Rect(0, 0, 800, 500), "#dddddd"))


def read(image: Image.Image) -> Sequence[Line]:
    """What a reader would tell of these pictures, whole or cut."""
    if image.getpixel((5, 5)) == (221, 221, 221):
        return [Line("Saved for you", Rect(40, 30, 300, 70)), Line("Full name", FORM["Full name"])]
    if image.size == SIZE:
        return [Line(text, box) for text, box in FORM.items()]
    black = [(x, y) for x in range(0, image.width, 5) for y in range(0, image.height, 5)
             if image.getpixel((x, y)) == (0, 0, 0)]  # fmt: skip
    if black:  # cut around the text: the name stands left of it, where that was not cut off
        left, top = min(x for x, _ in black), min(y for _, y in black)
        text = Line("Ada", Rect(left, top, left + 90, top + 20))
        return [Line("Full name Ada", Rect(left - 110, top, left + 90, top + 20))] if left > 60 else [text]
    return [Line("I agree", Rect(80, 80, 140, 100))]


def test_what_is_typed_and_what_comes_is_seen_and_a_press_is_not(tmp_path: Path) -> None:
    blank = picture()
    typed = [picture((box, "#000000")) for box in TYPED]
    ticked = picture((TYPED[-1], "#000000"), (TICK, "#228822"))
    found = guesses(
        film(blank, *typed, ticked, LAST), lambda image: read(image) if (told := _ticked(image)) is None else told
    )
    assert [one.do for one in found] == [
        "type {{full_name}} into the Full name field", "check I agree", "wait until Saved for you is shown"
    ]  # fmt: skip
    assert found[0].inputs == {"full_name": "Ada"} and "cannot be told from a film" in found[2].check
    place = tmp_path / "task.yaml"
    place.write_text(drafted("learned", "Open it.", Path("film.webm"), found, ["a note"]))
    lines = [line for line in place.read_text().splitlines() if line.startswith("  - ")]
    assert len(lines) == 3 and all("# check" in line for line in lines)
    task = load_task(place)
    assert task.file.inputs["full_name"].default == "Ada" and task.file.policy.preset == ("observe",)


def _ticked(image: Image.Image) -> list[Line] | None:
    """Cut around the tick, its words stand right of it."""
    green = [(x, y) for x in range(0, image.width, 4) for y in range(0, image.height, 4)
             if image.getpixel((x, y)) == (34, 136, 34)]  # fmt: skip
    if not green or image.size == SIZE:
        return None
    left, top = min(x for x, _ in green), min(y for _, y in green)
    return [] if image.width < 60 else [Line("I agree", Rect(left + 30, top, left + 90, top + 20))]


def test_a_models_steps_are_data_and_marked() -> None:
    said = {"goal": "Book\nit", "steps": [{"at": "0:05", "do": "type {{x}} <secret> into\nthe PIN field"}]}
    goal, steps = guesses_told(json.dumps(said))
    assert goal == "Book it" and steps[0].do == "type x <secret:unknown> into the PIN field" and steps[0].at == 5
    text = drafted("it", goal, Path("f.webm"), [*steps, Guess(7, "", "0:07: nothing can be read")], [])
    assert "# check 0:05: the model says so" in text and "  # check 0:07: nothing can be read" in text
    with pytest.raises(Unusable, match="no steps"):
        guesses_told({"goal": "x"})


def test_what_is_no_film_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no film")
    found = agent("learn", tmp_path / "note.txt", "--to", tmp_path / "out.yaml")
    assert found.code == 2 and found.err.startswith("agent learn: ") and found.err.count("\n") == 1
    assert not (tmp_path / "out.yaml").exists()
