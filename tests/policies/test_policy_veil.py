"""What a model is shown of secrets: dots, and that a field is filled."""

from __future__ import annotations

import io

from PIL import Image
from policy_cases import field, node

from actuators.geometry import Rect, Screen
from actuators.observation import Frame, Node, Observation
from policies.redactor import Redactor
from policies.veil import veiled

CARD = "4929123456781234"
CLEAN = Redactor({"card": CARD})


def shown(*nodes: Node, colour: tuple[int, int, int] = (250, 250, 240)) -> Observation:
    picture = Image.new("RGB", (200, 120), colour)
    for at in range(20, 180, 3):  # what stands in it
        picture.putpixel((at, 60), (0, 0, 0))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return Observation(
        0, 0.0, "browser", Screen(200, 120), Frame(out.getvalue()), nodes, title="Pay", url="https://a.example/"
    )


BOX = Rect(10, 40, 190, 80)


def test_a_filled_secret_field_is_drawn_as_dots_on_its_own_paper() -> None:
    seen = shown(field(rect=BOX, autocomplete="cc-number", filled=True))
    after = veiled(seen, CLEAN)
    assert [after.frame.pixels[60, at].tolist() for at in (33, 150, 165)] != [[0, 0, 0]] * 3
    row = {tuple(int(v) for v in pixel) for pixel in after.frame.pixels[60, 14:186]}
    assert (0, 0, 0) not in row and (250, 250, 240) in row and (60, 60, 60) in row
    assert (after.frame.pixels[:40] == seen.frame.pixels[:40]).all(), "nothing else changes"


def test_an_empty_one_and_any_other_field_stay_as_they_are() -> None:
    seen = shown(field(rect=BOX, autocomplete="cc-number", filled=False), field(rect=BOX, value="Ada", filled=True))
    assert veiled(seen, CLEAN) is seen


def test_a_secret_in_any_text_is_cut() -> None:
    seen = shown(node("text", f"Card {CARD} charged", rect=BOX), field(rect=BOX, value=CARD, filled=True))
    after = veiled(seen, CLEAN)
    assert CARD not in repr(after.nodes) and "[secret:card]" in after.nodes[0].name
    assert (after.nodes[1].value, after.nodes[1].filled) == ("", True)
    assert after.frame.digest != seen.frame.digest


def test_a_dark_page_gets_light_dots() -> None:
    after = veiled(shown(field(rect=BOX, password=True, filled=True), colour=(20, 20, 20)), CLEAN)
    assert (220, 220, 220) in {tuple(int(v) for v in pixel) for pixel in after.frame.pixels[60, 14:186]}
