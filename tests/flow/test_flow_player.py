"""The player alone, on observations made by hand: what it wishes next, and when it wishes nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from PIL import Image

from actuators.action import Action, Click, OpenUrl, Scroll, TypeText
from actuators.geometry import Rect, Screen
from actuators.observation import Frame, Node, Observation
from agent.flow import patches
from agent.flow.file import After, Anchor, Flow, FlowAct, FlowStep
from agent.flow.player import Player
from model.base import Act, Blocked, Done, Finish, Instruction, Move

SITE = "https://shop.example"


def node(id: str, role: str, name: str, line: int = 0, **facts: object) -> Node:
    rect = Rect(10, 10 + 30 * line, 110, 34 + 30 * line)
    return Node(id=id, role=role, name=name, rect=rect, origin=SITE, **facts)  # type: ignore[arg-type]


def screen(
    *nodes: Node, path: str = "/", more: tuple[str, ...] = (), picture: Image.Image | None = None
) -> Observation:
    out = io.BytesIO()
    (picture or Image.new("RGB", (320, 240), "white")).save(out, "PNG")
    told = {"nodes": nodes, "origin": SITE, "url": SITE + path, "more": more}
    return Observation(0, 0.0, "browser", Screen(320, 240), Frame(out.getvalue()), **told)  # type: ignore[arg-type]


class Play:
    """One step of a flow, with a history that says that what was proposed was done."""

    def __init__(self, *acts: FlowAct, folder: Path = Path("nowhere"), rule: bool = False, do: str = "do it") -> None:
        step = FlowStep(do=do, rule=rule, done_by=acts)
        flow = Flow(version=1, name="x", task="t.yaml", task_digest="0" * 64, steps=(step,))
        self.player = Player(flow, {"name": "Ada"}, ("card",), folder)
        self.history: list[Done] = []
        self.do = do

    def move(self, seen: Observation, *, unfinished: bool = False) -> Move:
        asked = Instruction("goal", self.do, unfinished=unfinished)
        return self.player.propose(asked, self.history, seen, "both").move

    def act(self, seen: Observation, note: str = "") -> Action:
        move = self.move(seen)
        assert isinstance(move, Act), move
        self.history.append(Done(move.action.kind, note=note))
        return move.action


FIELD = Anchor(role="textbox", name="Name")
FILL = FlowAct(do="fill", target=FIELD, text="{{name}}", page="/", after=After(value="{{name}}"))


def field(**facts: object) -> Node:
    return node("f", "textbox", "Name", editable=True, tag="input", **{"filled": False, **facts})


def test_a_field_is_given_the_focus_then_the_input_then_read() -> None:
    play = Play(FILL)
    assert isinstance(play.act(screen(field())), Click)
    assert play.act(screen(field(focused=True))) == TypeText(text="Ada")
    assert isinstance(play.move(screen(field(focused=True, filled=True, value="Ada"))), Finish)


def test_what_stands_in_a_field_is_replaced() -> None:
    play = Play(FILL)
    first = play.act(screen(field(filled=True, value="Grace", focused=True)))
    assert isinstance(first, Click) and first.count == 3
    assert play.act(screen(field(filled=True, value="Grace", focused=True))) == TypeText(text="Ada")


def test_a_field_that_holds_it_already_is_left_alone() -> None:
    assert isinstance(Play(FILL).move(screen(field(filled=True, value="Ada"))), Finish)


def test_a_field_that_takes_something_else_is_told() -> None:
    play = Play(FILL)
    play.act(screen(field()))
    play.act(screen(field(focused=True)))
    move = play.move(screen(field(focused=True, filled=True, value="A")))
    assert isinstance(move, Blocked) and "the field holds `A`, not `Ada`" in move.reason


def test_an_act_that_did_not_happen_is_proposed_again() -> None:
    play = Play(FlowAct(do="click", target=Anchor(role="button", name="Save"), page="/"))
    seen = screen(node("b", "button", "Save"))
    assert play.act(seen, note="the target changed") == play.act(seen)
    assert isinstance(play.move(seen), Finish)


def test_nothing_is_done_on_another_page() -> None:
    play = Play(FlowAct(do="click", target=Anchor(role="button", name="Save"), page="/edit/12"))
    assert isinstance(play.move(screen(node("b", "button", "Save"), path="/delete/12")), Blocked)
    assert isinstance(play.move(screen(node("b", "button", "Save"), path="/edit/99")), Act)


def test_a_page_that_did_not_come_is_told() -> None:
    play = Play(FlowAct(do="click", target=Anchor(role="button", name="Save"), after=After(address="/done/*")))
    play.act(screen(node("b", "button", "Save")))
    move = play.move(screen(node("b", "button", "Save")))
    assert isinstance(move, Blocked) and "not at `/done/*`" in move.reason and "step 1 of the flow" in move.reason
    assert isinstance(play.move(screen(path="/done/17")), Finish)


def test_what_is_disabled_is_not_pressed() -> None:
    play = Play(FlowAct(do="click", target=Anchor(role="button", name="Save")))
    assert isinstance(play.move(screen(node("b", "button", "Save", enabled=False))), Blocked)


def test_what_is_out_of_sight_is_looked_for_from_the_top_down_and_not_for_ever() -> None:
    play = Play(FlowAct(do="click", target=Anchor(role="button", name="Save")))
    first = play.act(screen(more=("above", "below")))
    assert isinstance(first, Scroll) and first.dy < 0
    for _ in range(12):
        found = play.act(screen(more=("above", "below")))
        assert isinstance(found, Scroll) and found.dy > 0
    assert isinstance(play.move(screen(more=("above", "below"))), Blocked)


def test_a_tick_that_is_there_is_left_alone() -> None:
    tick = FlowAct(do="click", target=Anchor(role="checkbox", name="Agree"), after=After(checked=True))
    assert isinstance(Play(tick).move(screen(node("c", "checkbox", "Agree", checked=True))), Finish)
    assert isinstance(Play(tick).move(screen(node("c", "checkbox", "Agree", checked=False))), Act)


def test_an_address_stays_on_the_site_where_the_run_stands() -> None:
    move = Play(FlowAct(do="open", url="/help")).move(screen())
    assert isinstance(move, Act) and move.action == OpenUrl(url=f"{SITE}/help")


def test_every_aimed_act_names_the_one_node_that_it_is_for() -> None:
    move = Play(FlowAct(do="click", target=Anchor(role="button", name="Save"))).move(
        screen(node("b", "button", "Save"))
    )
    assert isinstance(move, Act) and move.meant == "b"


def test_a_rule_presses_no_twin_unless_it_says_first() -> None:
    two = screen(node("a", "button", "Select 1"), node("b", "button", "Select 1", 1))
    assert isinstance(Play(rule=True, do="press Select 1").move(two), Blocked)
    move = Play(rule=True, do="press the first Select 1 button").move(two)
    assert isinstance(move, Act) and move.meant == "a"


def test_what_the_plan_waits_for_must_be_so_in_the_end() -> None:
    assert isinstance(Play().move(screen(), unfinished=True), Blocked)


def icons(*colours: str) -> tuple[Image.Image, list[Node]]:
    picture = Image.new("RGB", (320, 240), "white")
    nodes = []
    for line, colour in enumerate(colours):
        one = node(f"i{line}", "button", "", line, path="#tools>button:1")
        picture.paste(Image.new("RGB", (50, 20), colour), (one.rect.left, one.rect.top))
        nodes.append(one)
    return picture, nodes


def test_a_button_without_words_is_known_by_picture_and_neighbours(tmp_path: Path) -> None:
    picture, [one, two] = icons("black", "silver")
    words = [node("l1", "text", "Bin", 0), node("l2", "text", "Pen", 1)]
    words = [replace(each, rect=Rect(0, each.rect.top, 9, each.rect.bottom)) for each in words]
    frame = screen(picture=picture).frame.png
    png = patches.cut(frame, one.rect)
    assert png is not None
    from agent.flow.find import neighbours

    anchor = Anchor(
        role="button", near=neighbours(one, [*words, one, two]), patch=patches.put(tmp_path / "patches", png)
    )
    act = FlowAct(do="click", target=anchor)
    move = Play(act, folder=tmp_path).move(screen(*words, one, two, picture=picture))
    assert isinstance(move, Act) and move.meant == "i0"
    other, _ = icons("silver", "black")  # the pictures have changed places, the words have not
    assert isinstance(Play(act, folder=tmp_path).move(screen(*words, one, two, picture=other)), Blocked)
    (tmp_path / "patches" / f"{anchor.patch}.png").write_bytes(b"not what its name says")
    patches._patch.cache_clear()
    assert isinstance(Play(act, folder=tmp_path).move(screen(*words, one, two, picture=picture)), Blocked)
