"""A person's real input events become a task and a flow that replays; what is secret is written nowhere."""

from __future__ import annotations

import html
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hands import Doing, Hands, booking, playing
from PIL import Image
from procs import agent, airline

from actuators.geometry import Rect, Screen
from actuators.observation import Form, Node
from agent.flow.file import load_flow
from agent.recording.acts import Done, settled
from agent.recording.draft import Draft, Known, NoDraft
from agent.recording.heard import Heard, Look
from agent.recording.keep import FILM, Wanted, record
from agent.task import TaskError, load_task

HERE = "http://127.0.0.1:1"


@dataclass
class Counter:
    """A page with one form, as a counter in a bank has one."""

    url: str = ""
    posted: list[dict[str, str]] = field(default_factory=list)

    PAGE = (
        "<!doctype html><title>Counter</title><h1>New customer</h1><form method=post action=/save>"
        "<p><label>Full name <input name=who></label>"
        "<p><label for=k>Kind</label> <select id=k name=kind><option>Private<option>Company</select><p><label>Customer PIN <input name=pin autocomplete=off></label>"
        "<p><label>Password <input name=word type=password></label>"
        "<p><label><input type=checkbox name=agree> I agree</label><p><button>Save</button></form>"
    )


@contextmanager
def counter() -> Iterator[Counter]:
    here = Counter()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(here.PAGE)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            here.posted.append({name: values[0] for name, values in parse_qs(body).items()})
            self._send(
                f"<!doctype html><title>Done</title><h1>Saved</h1><p>{html.escape(here.posted[-1].get('who', ''))}</p>"
            )

        def _send(self, text: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *given: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


def frames(film: Path) -> list[Image.Image]:
    """The pictures of an AVI of JPEGs, those that only repeat the last left out."""
    data, found, at = film.read_bytes(), [], 0
    while (at := data.find(b"00dc", at)) >= 0:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if size and data[at + 8 : at + 10] == b"\xff\xd8":
            found.append(Image.open(io.BytesIO(data[at + 8 : at + 8 + size])).convert("L"))
        at += 4
    return found


@pytest.mark.browser
@pytest.mark.timeout(500)
def test_what_a_person_does_replays_with_other_values_and_secrets_are_nowhere(tmp_path: Path) -> None:
    boxes: list[dict[str, float]] = []

    def script(page: Any) -> Doing:
        hands = Hands(page)
        boxes[:] = [page.get_by_label(label).bounding_box() for label in ("Customer PIN", "Password")]
        hands.write("Full name", "Ada Lovelacex")
        page.keyboard.press("Backspace")
        yield
        hands.choose("Kind", "Com")
        yield
        for letter in "81529":  # one at a time, with looks in between
            hands.page.get_by_label("Customer PIN").focus()
            page.keyboard.type(letter)
            yield
        hands.write("Password", "open sesame")
        yield
        hands.press(page.get_by_label("I agree"))
        yield
        hands.press(hands.button("Save"))
        page.wait_for_url("**/save")
        yield
        page.close()  # that ends it
        yield

    out = tmp_path / "out"
    with counter() as here:
        wanted = Wanted(out, start=here.url, name="customer", headed=False, secrets=("customer pin",))
        kept = record(wanted, playing(script))
        assert here.posted == [
            {"who": "Ada Lovelace", "kind": "Company", "pin": "81529", "word": "open sesame", "agree": "on"}
        ]
        assert (kept.inputs, kept.secrets) == (("full_name", "kind"), ("customer_pin", "password"))
        flow, _ = load_flow(out / "flow.yaml")
        assert [step.do for step in flow.steps] == [
            "type {{full_name}} into the Full name field", "choose {{kind}} in the Kind list",
            "type <secret:customer_pin> into the Customer PIN field", "type <secret:password> into the Password field",
            "check I agree", "press Save",
        ]  # fmt: skip
        assert flow.steps[-1].done_by[0].after.shown == ("Saved",)
        task = load_task(out / "task.yaml")
        assert {check.contains for check in task.file.success} == {"Saved", "{{full_name}}"}
        for file in out.rglob("*"):
            if file.is_file():
                assert not any(word in file.read_bytes() for word in (b"81529", b"8152", b"open sesame")), file
        shown = [one for one in frames(out / FILM) if one.getpixel((400, 200)) is not None]
        assert len(shown) > 4
        for one in shown[1:-2]:  # on the page with the form
            for box in boxes:
                middle = (int(box["x"] + 12), int(box["y"] + box["height"] / 2))
                assert one.getpixel(middle) < 40
        secrets = {"CUSTOMER_CUSTOMER_PIN": "4711", "CUSTOMER_PASSWORD": "changed"}
        words = ("replay", out / "flow.yaml", "--approve", "deny", "--json", "--runs", tmp_path / "runs")
        found = agent(*words, "--set", "full_name=Grace Hopper", "--set", "kind=Private", timeout=300, **secrets)
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.out[-600:] + found.err
        assert here.posted[1:] == [
            {"who": "Grace Hopper", "kind": "Private", "pin": "4711", "word": "changed", "agree": "on"}
        ]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(600)
def test_a_recorded_booking_replays_by_the_airlines_own_log(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with airline(tmp_path / "air") as air:
        wanted = Wanted(out, start=air.url, name="book", rows="first", headed=False)
        kept = record(wanted, playing(booking))
        assert kept.secrets == ("card_number", "expiry_date", "security_code", "name_on_card")
        for file in out.rglob("*"):
            assert not file.is_file() or b"4242424242424242" not in file.read_bytes()
        file = out / "task.yaml"
        file.write_text(_raised(file.read_text()))  # a reviewer sets what it may cost
        secrets = {"BOOK_CARD_NUMBER": "4242424242424242", "BOOK_EXPIRY_DATE": "12/29", "BOOK_SECURITY_CODE": "737"}
        words = ["replay", out / "flow.yaml", "--approve", "deny", "--json", "--runs", tmp_path / "runs"]
        words += ["--set", "to=Rome", "--set", "first_name=Grace", "--set", "last_name=Hopper", "--set", "title=Dr"]
        found = agent(*words, timeout=400, BOOK_NAME_ON_CARD="Grace Hopper", **secrets)
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.out[-600:] + found.err
        log = [json.loads(line) for line in air.log.read_text().splitlines()]
    bought = [one["details"] for one in log if one["effect"] == "purchase"]
    assert len(bought) == 2
    assert "Lisbon" in json.dumps(bought[0]) and "Ada" in json.dumps(bought[0])
    assert "Rome" in json.dumps(bought[1]) and "Grace" in json.dumps(bought[1])
    assert found.verdict.ok and found.record["model"] == "flow"


def _raised(text: str) -> str:
    return "\n".join("    ask_above: 900 EUR" if "ask_above" in line else line for line in text.splitlines()) + "\n"


# Without a browser


def node(role: str, name: str, top: int = 0, **facts: Any) -> Node:
    facts.setdefault("path", f"#{name.lower()}{top}")
    return Node(id=f"{role}{name}{top}", role=role, name=name, rect=Rect(0, top, 100, top + 20), origin=HERE, **facts)


def look(*nodes: Node, path: str = "/") -> Look:
    return Look(HERE + path, HERE, nodes)


def drafted(folder: Path, heard: list[Heard], last: Look, **how: Any) -> Any:
    done, lost = settled(heard, last)
    return Draft(done, last, Screen(800, 600), folder, "it", **how).drafted(lost)


def test_strokes_are_one_text_and_what_was_taken_back_is_nothing(tmp_path: Path) -> None:
    empty, half = node("textbox", "Name", editable=True), node("textbox", "Name", editable=True, value="Ad")
    full = node("textbox", "Name", editable=True, value="Ada")
    seen = look(empty, node("button", "Save", 40))
    heard = [
        Heard("click", 1, empty, seen),
        Heard("edit", 2, half, seen),
        Heard("edit", 3, full, seen),
        Heard(
            "edit", 4, node("textbox", "Other", 80, editable=True), look(node("textbox", "Other", 80, editable=True))
        ),
        Heard("drag", 5),
        Heard("open", 6, text=HERE + "/next"),
    ]
    found = drafted(tmp_path, heard, look(node("heading", "Here"), path="/next"))
    assert [step.do for step in found.steps] == ["type {{name}} into the Name field", "go to /next"]
    assert found.steps[1].done_by[0].url == "/next" and found.inputs["name"]["default"] == "Ada"
    assert "dragged" in found.notes[0]


def test_a_field_that_a_person_marks_is_secret_from_its_first_stroke(tmp_path: Path) -> None:
    field_ = node("textbox", "Code", editable=True, value="zz9")
    heard = [Heard("edit", 1, field_, look(node("textbox", "Code", editable=True))), Heard("mark", 2, field_)]
    found = drafted(tmp_path, heard, look(node("heading", "Here")))
    assert found.steps[0].done_by[0].text == "<secret:code>" and not found.inputs
    assert "zz9" not in str(found)


def test_a_task_that_is_there_gives_its_own_names(tmp_path: Path) -> None:
    known = Known({"origin": "Zurich", "card": "x"}, "goal: {{origin|upper}}", {"number": ("cc-number",), "pin": ()})
    seen = look(node("textbox", "From", editable=True))

    def typed(name: str, **facts: Any) -> Heard:
        return Heard("edit", 1, node("textbox", name, editable=True, **facts), seen, facts.get("value") is None)

    heard = [
        typed("From", value="ZURICH"),
        typed("Remark", value="none"),
        typed("Card number", autocomplete="cc-number"),
    ]
    found = drafted(tmp_path, heard, look(node("heading", "Here")), known=known)
    assert [step.done_by[0].text for step in found.steps] == ["{{origin|upper}}", "none", "<secret:number>"]
    assert "`none` is the value of no input" in found.notes[0] and not found.inputs
    with pytest.raises(NoDraft, match="no one secret for the field `Word`"):
        drafted(tmp_path, [typed("Word")], look(), known=known)


@pytest.mark.parametrize(("name", "rule"), [("Select", True), ("Delete", False), ("Pay 9.00 EUR", False)])
def test_the_first_of_many_is_meant_only_where_it_is_harmless(tmp_path: Path, name: str, rule: bool) -> None:
    form = Form("POST", f"{HERE}/do", "Total 9.00 EUR") if "Pay" in name else None
    twins = [node("button", name, top, row=f"row {top}", form=form, submits=form is not None) for top in (0, 40, 80)]
    heard = [Heard("click", 1, twins[0], look(*twins))]
    found = drafted(tmp_path, heard, look(node("heading", "Here"), path="/then"), rows="first")
    assert found.steps[0].rule is rule
    if not rule:
        assert found.steps[0].done_by[0].target.row == "row 0"
    same = drafted(tmp_path, heard, look(node("heading", "Here"), path="/then"))
    assert not same.steps[0].rule and same.steps[0].done_by[0].target.row == "row 0"


def test_the_policy_is_the_smallest_that_does_it(tmp_path: Path) -> None:
    pay = node("button", "Pay 9.00 EUR", form=Form("POST", f"{HERE}/pay", "Total 9.00 EUR"), submits=True)
    bought = drafted(tmp_path, [Heard("click", 1, pay, look(pay))], look(node("heading", "Thanks"), path="/ok"))
    assert bought.policy == {
        "preset": "booking", "narrow": {"origins": [HERE], "max_buys": 1, "ask_above": "9.00 EUR"}
    }  # fmt: skip
    tab = node("tab", "More")
    looked = drafted(tmp_path, [Heard("click", 1, tab, look(tab))], look(tab))
    assert looked.policy["preset"] == "browse" and "write a check" in looked.notes[-1]


def test_what_the_command_line_gets_wrong_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(TaskError, match="there is something already"):
        record(Wanted(tmp_path / "full", start=HERE), lambda page: False)
    with pytest.raises(TaskError, match="not an address"):
        record(Wanted(tmp_path / "new", start="ftp:/x"), lambda page: False)
    found = agent("record", "--rows", "all", HERE)
    assert found.code == 2 and found.err == "agent record: --rows takes `same` or `first`, got `all`\n"


def test_a_done_act_says_what_it_was() -> None:
    seen = look(node("button", "Go"))
    [one], lost = settled([Heard("click", 1.0, seen.nodes[0], seen)], look(path="/there"), still=(1.5, 3.0))
    assert isinstance(one, Done) and one.settled_s == 0.5 and not lost
