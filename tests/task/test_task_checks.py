"""Success checks as a table: a check, a screen, what it says."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from pydantic import TypeAdapter
from screens import ORIGIN, node, seen

from agent.checks import check, judged
from agent.outputs import Output
from agent.task_file import Check, OutputSpec

CHECKS: TypeAdapter[Check] = TypeAdapter(Check)

CONFIRMED = seen(
    node("Booking  confirmed", "heading"),
    "Ms Ada\u00a0Lovelace",
    node("Search", "textbox", value="Booking cancelled", editable=True),
    node("Terms", "checkbox", checked=True),
    node("Cabin", "combobox", value="Economy"),
    node("Great offer: you have won", origin="https://ads.example"),
    url=ORIGIN + "/confirmation/K7P2QX?a=1",
)


def picture(form: str = "PNG") -> bytes:
    """Six by four, white, with one red pixel and, where there can be one, a clear one."""
    from PIL import Image

    made = Image.new("RGBA", (6, 4), "white")
    made.putpixel((2, 1), (204, 0, 0, 255))
    made.putpixel((5, 3), (204, 0, 0, 0))
    data = io.BytesIO()
    (made if form == "PNG" else made.convert("RGB")).save(data, form)
    return data.getvalue()


FILES = {
    "a.txt": "Grüße  aus\nZürich".encode(),
    "a.png": picture(),
    "a.bmp": picture("BMP"),
    "a.jpg": picture("JPEG"),
    "half.png": picture()[:50],
}

TABLE: list[tuple[dict[str, Any], bool, str]] = [
    ({"kind": "text", "contains": "Booking confirmed"}, True, "the text `Booking confirmed` is shown"),
    ({"kind": "text", "contains": "booking CONFIRMED"}, True, "the text `booking CONFIRMED` is shown"),
    ({"kind": "text", "contains": "Ada Lovelace"}, True, "the text `Ada Lovelace` is shown"),
    ({"kind": "text", "contains": "confirmed Ms Ada"}, True, "the text `confirmed Ms Ada` is shown"),
    ({"kind": "text", "contains": "Economy"}, True, "the text `Economy` is shown"),
    ({"kind": "text", "contains": "Booking cancelled"}, False, "the text `Booking cancelled` is not shown"),
    ({"kind": "text", "contains": "you have won"}, False, "the text `you have won` is not shown"),
    ({"kind": "text", "contains": "have won", "origin": "https://ads.example"}, True, "the text `have won` is shown"),
    ({"kind": "text", "absent": "Error"}, True, "the text `Error` is not shown"),
    ({"kind": "text", "absent": "CONFIRMED"}, False, "the text `CONFIRMED` is shown"),
    ({"kind": "text", "pattern": "Ms [A-Z][a-z]+ L"}, True, "a text like `Ms [A-Z][a-z]+ L` is shown"),
    ({"kind": "text", "pattern": "booking"}, False, "a text like `booking` is not shown"),
    ({"kind": "url", "prefix": ORIGIN + "/confirmation/"}, True, f"the address is `{CONFIRMED.url}`"),
    ({"kind": "url", "prefix": ORIGIN}, True, f"the address is `{CONFIRMED.url}`"),
    ({"kind": "url", "prefix": ORIGIN + "/pay"}, False, f"the address `{CONFIRMED.url}` does not lie below `{ORIGIN}/pay`"),
    ({"kind": "url", "prefix": "http://127.0.0.1:800"}, False, f"the address `{CONFIRMED.url}` does not lie below `http://127.0.0.1:800`"),
    ({"kind": "url", "pattern": ".*/[A-Z0-9]{6}\\?a=1"}, True, f"the address is `{CONFIRMED.url}`"),
    ({"kind": "url", "pattern": "confirmation"}, False, f"the address `{CONFIRMED.url}` does not match `confirmation`"),
    ({"kind": "url", "origin": ORIGIN}, True, f"the address is `{CONFIRMED.url}`"),
    ({"kind": "url", "origin": "https://a.org"}, False, f"the page is at `{ORIGIN}`, not at `https://a.org`"),
    ({"kind": "node", "role": "checkbox", "name": "terms", "checked": True}, True, "checkbox `terms` is as wanted"),
    ({"kind": "node", "name": "Terms", "checked": False}, False, "checked of `Terms` is on, not off"),
    ({"kind": "node", "role": "combobox", "name": "Cabin", "value": "Economy"}, True, "combobox `Cabin` is as wanted"),
    ({"kind": "node", "name": "Cabin", "value": "First"}, False, "value of `Cabin` is `Economy`, not `First`"),
    ({"kind": "node", "name": "Cab"}, False, "there is no `Cab` on the screen"),
    ({"kind": "node", "name": "Great offer: you have won"}, False, "there is no `Great offer: you have won` on the screen"),
    ({"kind": "file", "path": "a.txt"}, True, "the file `a.txt` is as wanted"),
    ({"kind": "file", "path": "b.txt"}, False, "the file `b.txt` does not exist"),
    ({"kind": "file", "path": "b.txt", "exists": False}, True, "the file `b.txt` does not exist"),
    ({"kind": "file", "path": "a.txt", "exists": False}, False, "the file `a.txt` exists"),
    ({"kind": "file", "path": "a.txt", "contains": "aus Zürich"}, True, "the file `a.txt` is as wanted"),
    ({"kind": "file", "path": "a.txt", "contains": "Bern"}, False, "the file `a.txt` does not hold `Bern`"),
    ({"kind": "file", "path": "a.txt", "sha256": hashlib.sha256(FILES["a.txt"]).hexdigest()}, True, "the file `a.txt` is as wanted"),
    ({"kind": "file", "path": "a.txt", "sha256": "0" * 64}, False, "the file `a.txt` has another digest"),
    ({"kind": "file", "path": "a.png", "pixels": {"2,1": "#cc0000", "0,0": "#ffffff"}}, True, "the file `a.png` is as wanted"),
    ({"kind": "file", "path": "a.bmp", "pixels": {"2,1": "#cc0000", "5,3": "#cc0000"}}, True, "the file `a.bmp` is as wanted"),
    ({"kind": "file", "path": "a.png", "pixels": {"0,0": "#ffffff", "1,2": "#cc0000"}}, False, "the file `a.png` is #ffffff at 1,2, not #cc0000"),
    ({"kind": "file", "path": "a.png", "pixels": {"5,3": "#cc0000"}}, False, "the file `a.png` is clear at 5,3, not #cc0000"),
    ({"kind": "file", "path": "a.png", "pixels": {"6,3": "#cc0000"}}, False, "the file `a.png` has no pixel 6,3: it is 6x4"),
    ({"kind": "file", "path": "a.jpg", "pixels": {"0,0": "#ffffff"}}, False, "the file `a.jpg` is no picture that can be read: a PNG or BMP was expected"),
    ({"kind": "file", "path": "half.png", "pixels": {"0,0": "#ffffff"}}, False, "the file `half.png` is no picture that can be read: a PNG or BMP was expected"),
    ({"kind": "output", "name": "good"}, True, "the output `good` is `5`"),
    ({"kind": "output", "name": "bad"}, False, "the output `bad`: not there"),
    ({"kind": "output", "name": "none"}, False, "the output `none` was not read"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "ok", "line"), TABLE)
def test_a_check_holds_or_says_why_not(wanted: dict[str, Any], ok: bool, line: str) -> None:
    outputs = {"good": Output("good", 5), "bad": Output("bad", problem="not there")}
    checked = check(CHECKS.validate_python(wanted), CONFIRMED, outputs, FILES.get)
    assert (checked.ok, checked.line) == (ok, line)


def test_files_cannot_be_checked_where_there_are_none() -> None:
    checked = check(CHECKS.validate_python({"kind": "file", "path": "x"}), CONFIRMED)
    assert (checked.ok, checked.line) == (False, "the file `x` cannot be looked at on this surface")


def test_a_node_must_be_right_in_all_respects_at_once() -> None:
    two = seen(node("Size", "radio", value="S", checked=True), node("Size", "radio", id="2", value="L", checked=False))
    wanted = CHECKS.validate_python({"kind": "node", "name": "Size", "value": "L", "checked": True})
    assert check(wanted, two).line == "no single `Size` is as wanted"


def test_every_output_is_a_check_and_is_checked_once() -> None:
    specs = {"a": OutputSpec(type="int", after="Seats"), "b": OutputSpec(type="int", after="Rows")}
    success = [CHECKS.validate_python({"kind": "output", "name": "b"})]
    checked, outputs = judged(success, specs, seen("Seats 12", "Rows"))
    assert [one.line for one in checked] == [
        "the output `b`: nothing after `Rows` is of type int",
        "the output `a` is `12`",
    ]
    assert outputs["a"].value == 12


def test_an_empty_screen_proves_nothing_but_absence() -> None:
    for wanted, _, _ in TABLE:
        if wanted["kind"] in ("text", "node"):
            assert check(CHECKS.validate_python(wanted), seen()).ok == ("absent" in wanted)
