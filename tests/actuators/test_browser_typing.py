from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser_stage import BrowserStage
from contract.actuator import do, press

from actuators.action import Click, PressKeys, TypeText
from actuators.receipt import Receipt

pytestmark = pytest.mark.browser
Begin = Callable[..., BrowserStage]


def typed(stage: BrowserStage, name: str, text: str) -> Receipt:
    press(stage, name)
    return do(stage, TypeText(text=text))


SELECT = """<select id=s aria-label=City><option>Bern<option>Beta<option disabled>Berg<option>Gamma<option>Bernina
<option value=zrh>Zürich</select><p id=log></p><script>let n = 0; const told = [];
s.onchange = (e) => told.push('change ' + s.value + ' ' + e.isTrusted); s.oninput = () => told.push('input ' + s.value);
</script>"""


@pytest.mark.parametrize(
    ("text", "value"), [("Bernina", "Bernina"), ("gamma", "Gamma"), ("Zür", "zrh"), ("zrh", "zrh")]
)
def test_a_native_list_takes_typed_choices_in_one_change(begin: Begin, text: str, value: str) -> None:
    stage = begin(SELECT)
    assert typed(stage, "City", text).status == "done"  # the click has opened the list
    assert stage.page.evaluate("[s.value, s.matches(':open'), told]") == [
        value,
        False,
        [f"input {value}", f"change {value} true"],
    ]
    stage.page.evaluate("s.value = 'Bern'; told.length = 0")
    do(stage, TypeText(text=text))  # and now it is closed
    assert stage.page.evaluate("[s.value, told.length]") == [value, 2]
    again = do(stage, TypeText(text=text))
    assert (again.status, again.detail) == ("done", "it was chosen already")


def test_a_choice_that_is_not_there_fails_and_says_what_is(begin: Begin) -> None:
    stage = begin(SELECT)
    for text in ("Paris", "Berg"):
        receipt = typed(stage, "City", text)
        assert receipt.status in ("failed", "done")
        if text == "Paris":
            assert receipt.status == "failed" and '"Bern", "Beta"' in receipt.detail
    assert stage.page.evaluate("s.value") in ("Bern",)


def test_a_list_box_takes_a_choice(begin: Begin) -> None:
    stage = begin("<select id=s aria-label=City size=3><option>Aa<option>Bb<option>Cc</select>")
    press(stage, "City")
    do(stage, TypeText(text="Bb"))
    assert stage.page.evaluate("s.value") == "Bb"


def test_a_click_on_an_option_of_a_list_box_chooses_it(begin: Begin) -> None:
    stage = begin("<select id=s aria-label=City size=3><option>Aa<option>Bb<option>Cc</select>")
    press(stage, "Cc")
    assert stage.page.evaluate("s.value") == "Cc"


@pytest.mark.parametrize(
    ("kind", "text", "ok"),
    [
        ("date", "2026-12-14", True),
        ("date", "14.12.2026", False),
        ("time", "09:30", True),
        ("month", "2026-12", True),
        ("datetime-local", "2026-12-14T09:30", True),
        ("color", "#3366cc", True),
        ("number", "42", True),
        ("email", "a@b.example", True),
        ("tel", "+41 44 000", True),
    ],
)
def test_typed_fields(begin: Begin, kind: str, text: str, ok: bool) -> None:
    stage = begin(f"<input id=f aria-label=F type={kind}><script>let n = 0; f.oninput = () => n++</script>")
    if kind == "color":
        stage.page.focus("#f")
        receipt = do(stage, TypeText(text=text))
    else:
        receipt = typed(stage, "F", text)
    assert (receipt.status == "done") is ok, receipt
    assert stage.page.evaluate("f.value") == (text if ok else "")
    assert (stage.page.evaluate("n") > 0) is ok
    if not ok:
        assert "2026-12-14" in receipt.detail and receipt.performed is None


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("date", "12/24/2026", "2026-12-24"),
        ("date", "2/3/2026", "2026-02-03"),
        ("date", "13/24/2026", ""),
        ("date", "2/3/26", ""),
        ("time", "6:37 PM", "18:37"),
        ("time", "12:05 am", "00:05"),
        ("time", "9:30", "09:30"),
        ("time", "13:30 PM", ""),
    ],
)
def test_dates_and_times_are_taken_as_the_field_shows_them(begin: Begin, kind: str, text: str, value: str) -> None:
    stage = begin(f"<input id=f aria-label=F type={kind}>")
    assert (typed(stage, "F", text).status == "done") is bool(value)
    assert stage.page.evaluate("f.value") == value


def test_rich_text_takes_lines(begin: Begin) -> None:
    stage = begin("<div id=e contenteditable aria-label=Note style='white-space:pre-wrap'></div>")
    typed(stage, "Note", "eins\nzwei 👍🏽")
    assert stage.page.inner_text("#e").split() == ["eins", "zwei", "👍🏽"]


def test_frames_of_other_sites_and_shadow_roots_take_text(begin: Begin) -> None:
    script = "const r = h.attachShadow({mode:'closed'}); r.innerHTML = '<input aria-label=Deep>';"
    script += "window.deep = () => r.querySelector('input').value"
    pages = {
        "/": f"<iframe src='http://other.test/in'></iframe><div id=h></div><script>{script}</script>",
        "//other.test/in": "<input aria-label=Far><select aria-label=Pick><option>A<option>B</select>",
    }
    stage = begin(pages)
    typed(stage, "Far", "ça 語")
    typed(stage, "Pick", "B")
    stage.actuator.observe()
    typed(stage, "Deep", "tief")
    assert stage.page.evaluate("deep()") == "tief"
    frame = stage.page.frames[1]
    assert frame.evaluate("[document.querySelector('input').value, document.querySelector('select').value]") == [
        "ça 語",
        "B",
    ]


def test_what_takes_no_text_says_so(begin: Begin) -> None:
    stage = begin(
        "<button>B</button><input aria-label=R readonly><input type=checkbox aria-label=C><input disabled aria-label=D>"
    )
    for name in ("B", "R", "C"):
        receipt = typed(stage, name, "a b")
        assert (receipt.status, receipt.performed) == ("failed", None), name
    assert stage.page.evaluate("document.querySelector('[type=checkbox]').checked") is True  # by the click alone


def test_keys_reach_a_page_without_a_field(begin: Begin) -> None:
    stage = begin("<canvas id=c tabindex=0 width=99 height=99 aria-label=Game></canvas><script>const keys = [];"
                  "c.onkeydown = (e) => keys.push((e.ctrlKey ? 'C-' : '') + e.key)</script>")  # fmt: skip
    stage.page.focus("#c")
    do(stage, TypeText(text="aZ!"))
    do(stage, PressKeys(keys=("ctrl", "k")))
    do(stage, PressKeys(keys=("f5",)))
    do(stage, PressKeys(keys=("page_down",)))
    assert stage.page.evaluate("keys") == ["a", "Z", "!", "C-Control", "C-k", "F5", "PageDown"]


def test_keys_edit_as_a_keyboard_does(begin: Begin) -> None:
    stage = begin("<form onsubmit='sent = 1; return false'><textarea id=t aria-label=T></textarea>"
                  "<input id=i aria-label=I><button></button></form><script>let sent = 0</script>")  # fmt: skip
    typed(stage, "T", "one two")
    for keys in (
        ("ctrl", "left"),
        ("backspace",),
        ("enter",),
        ("shift", "a"),
        ("home",),
        ("shift", "end"),
        ("delete",),
    ):
        assert do(stage, PressKeys(keys=keys)).status == "done"
    assert stage.page.evaluate("t.value") == "one\n"
    do(stage, PressKeys(keys=("tab",)))
    assert stage.page.evaluate("document.activeElement.id") == "i"
    do(stage, PressKeys(keys=("enter",)))
    assert stage.page.evaluate("sent") == 1


def test_a_triple_click_selects_the_fields_text(begin: Begin) -> None:
    stage = begin("<input aria-label=I value='old words here'>")
    press(stage, "I", count=3)
    do(stage, TypeText(text="new"))
    assert stage.page.input_value("input") == "new"


def test_pages_that_listen_for_keys_hear_of_text(begin: Begin) -> None:
    stage = begin(
        "<input aria-label=I><script>let ups = 0; document.querySelector('input').onkeyup = () => ups++</script>"
    )
    typed(stage, "I", "Lis")
    assert stage.page.evaluate("ups") == 1


def test_enter_leads_where_the_default_button_sends(begin: Begin) -> None:
    stage = begin("<form action=/a><input aria-label=I><button formaction=/b>Go</button></form>")
    press(stage, "I")
    seen = stage.actuator.observe()
    assert stage.actuator.target(PressKeys(keys=("enter",)), seen).destination == "http://stage.test/b"
    assert stage.actuator.target(PressKeys(keys=("a",)), seen).destination == ""


def test_a_file_goes_only_from_the_list(begin: Begin, tmp_path: Path) -> None:
    page = "<input type=file aria-label=File id=f>"
    (tmp_path / "cv.txt").write_text("me")
    (tmp_path / "id.txt").write_text("no")
    stage = begin(page, uploads=(tmp_path / "cv.txt", tmp_path / "id.txt"))
    press(stage, "File")
    stage.page.wait_for_timeout(300)
    (notice,) = stage.actuator.observe().notices
    assert "left empty" in notice and "cv.txt" in notice
    stage.page.focus("#f")
    assert do(stage, TypeText(text="../cv.txt")).status == "failed"
    assert do(stage, TypeText(text="cv.txt")).status == "done"
    assert stage.page.evaluate("f.files[0].name") == "cv.txt"
    bare = begin(page)
    at = bare.actuator.observe().nodes[0].rect.centre
    do(bare, Click(at=at))
    assert bare.page.evaluate("f.files.length") == 0
    single = begin(page, uploads=(tmp_path / "cv.txt",))
    press(single, "File")
    single.page.wait_for_function("f.files.length == 1")
