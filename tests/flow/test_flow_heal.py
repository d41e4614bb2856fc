"""What may stand in for a lost step, on screens made by hand: rules of identity, signs, a model's word, and the patch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image

from actuators.action import Click
from actuators.geometry import Rect, Screen
from actuators.observation import Form, Frame, Node, Observation
from agent.flow import patches
from agent.flow.file import After, Anchor, Flow, FlowAct, FlowStep, load_flow, written
from agent.flow.heal import Heal, Healer
from agent.flow.heal_file import FlowPatch, applied, diff, load_patch, patch_text
from agent.flow.heal_signs import candidates, clear
from agent.flow.player import Player
from agent.flow.review import accept, show
from agent.flow.slots import Slots
from agent.run_folder import RunFolder
from agent.task_errors import TaskError
from model.base import Act, Blocked, Done, Finish, Instruction, Move, Perception, Reply
from policies.consequence import no_worse

SITE = "https://shop.example"
SAVE = Form("POST", f"{SITE}/save")


def node(id: str, role: str, name: str, line: int = 0, **facts: object) -> Node:
    rect = Rect(10, 10 + 30 * line, 110, 34 + 30 * line)
    return Node(id=id, role=role, name=name, rect=rect, origin=SITE, **facts)  # type: ignore[arg-type]


def button(id: str, name: str, line: int = 0, form: Form | None = SAVE, **facts: object) -> Node:
    return node(id, "button", name, line, form=form, submits=form is not None, tag="button", **facts)


def screen(*nodes: Node, path: str = "/") -> Observation:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), "white").save(out, "PNG")
    told = {"nodes": nodes, "origin": SITE, "url": SITE + path}
    return Observation(0, 0.0, "browser", Screen(320, 240), Frame(out.getvalue()), **told)  # type: ignore[arg-type]


class Says:
    """A model that would act on one node, or sees nothing, or says that it is done."""

    name = "oracle"

    def __init__(self, move: Move | None = None) -> None:
        self.move = move or Blocked("nothing")
        self.asked = 0

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        self.asked += 1
        return Reply(self.move, "as told")

    def close(self) -> None: ...


def on(target: Node) -> Act:
    return Act(Click(at=target.rect.centre), meant=target.id)


class Lost:
    """One step of a flow that is not found on a screen, asked twice, as the runtime does."""

    def __init__(self, folder: Path, act: FlowAct, known: str, mode: Heal = "auto", model: Says | None = None) -> None:
        digest = patches.put(folder / "patches", known.encode(), "txt")
        self.act = act.model_copy(update={"known": digest})
        self.flow = Flow(version=1, name="x", task="t.yaml", task_digest="0" * 64, steps=(self.step,))
        self.place = folder / "flow.yaml"
        self.place.write_text(written(self.flow))
        self.model = model or Says()
        player = Player(self.flow, {"name": "Ada"}, (), folder)
        loaded = load_flow(self.place)
        self.healer = Healer(player, loaded[0], self.place, loaded[1], mode, lambda: self.model, Slots({"name": "Ada"}))

    @property
    def step(self) -> FlowStep:
        return FlowStep(do="save it", done_by=(self.act,))

    def move(self, seen: Observation) -> Move:
        asked, history = Instruction("goal", "save it"), [Done("looked")]
        first = self.healer.propose(asked, history, seen, "both").move
        if not isinstance(first, Blocked):
            return first
        history.append(Done("terminate", note="blocked: look again"))
        return self.healer.propose(asked, history, seen, "both").move


ACT = FlowAct(
    do="click", target=Anchor(role="button", name="Save", path="#go"), page="/", after=After(address="/save"),
    effect="submit", leads="/save",
)  # fmt: skip


def test_a_renamed_button_is_pressed_when_model_and_signs_agree(tmp_path: Path) -> None:
    new = button("b", "Keep it", path="#go")
    lost = Lost(tmp_path, ACT, "button Cancel\n", model=Says(on(new)))
    move = lost.move(screen(new, button("c", "Cancel", 1, form=None)))
    assert isinstance(move, Act) and move.meant == "b" and move.most == "submit"
    [told] = lost.healer.told()["healed"]
    assert told["kind"] == "target" and "model oracle" in told["by"] and "place in the page" in told["by"]


def test_without_the_model_two_signs_must_agree(tmp_path: Path) -> None:
    new = button("b", "Save it", path="#go")
    assert isinstance(Lost(tmp_path, ACT, "button Cancel\n").move(screen(new)), Act)
    move = Lost(tmp_path, ACT, "button Cancel\n").move(screen(button("b", "Archive", path="#go")))
    assert isinstance(move, Blocked) and "its words are others" in move.reason
    lost = Lost(tmp_path, ACT, "button Cancel\n")
    for gone in (tmp_path / "patches").glob("*.txt"):
        gone.unlink()
    move = lost.move(screen(new))
    assert isinstance(move, Blocked) and "does not say what else was there" in move.reason
    two = screen(new, button("d", "Save all", 1, path="#go"))
    move = Lost(tmp_path, ACT, "button Cancel\n").move(two)
    assert isinstance(move, Blocked) and "no two signs agree" in move.reason


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (button("b", "Cancel", path="#go"), "was there beside it"),
        (button("b", "Delete", form=Form("POST", f"{SITE}/delete")), "leads to `/delete`, not to `/save`"),
        (node("b", "textbox", "Keep it", form=SAVE), "is no button"),
        (button("b", "Keep it", enabled=False), "is disabled"),
    ],
)
def test_what_is_another_thing_is_not_taken_whoever_proposes_it(tmp_path: Path, other: Node, said: str) -> None:
    move = Lost(tmp_path, ACT, "button Cancel\n", model=Says(on(other))).move(screen(other))
    assert isinstance(move, Blocked) and said in move.reason


def test_model_against_signs_is_no_healing(tmp_path: Path) -> None:
    new, other = button("b", "Save it", path="#go"), button("c", "Keep it", 1)
    move = Lost(tmp_path, ACT, "button Cancel\n", model=Says(on(other))).move(screen(new, other))
    assert isinstance(move, Blocked) and 'the signs speak for button "Save it"' in move.reason
    other = button("c", "Save as draft", 1)
    found = candidates(ACT, (replace(new, name="Keep it"), other), ["button Cancel"], str)
    assert [sorted(one.signs) for one in found] == [
        ["place in the page", "where it leads"],
        ["where it leads", "words"],
    ]
    assert clear(found) is None


def test_a_dialog_in_between_is_put_away_and_the_step_follows(tmp_path: Path) -> None:
    away = button("n", "No thanks", form=None)
    sell = button("s", "Add voucher 200.00 EUR", 1, form=Form("POST", f"{SITE}/voucher"))
    for model in (Says(), Says(on(away)), Says(on(sell))):  # one that would buy the voucher is not listened to
        lost = Lost(tmp_path, ACT, "button Cancel\n", model=model)
        move = lost.move(screen(away, sell))
        assert isinstance(move, Act) and move.meant == "n" and move.most == "edit"
        [told] = lost.healer.told()["healed"]
        assert told["kind"] == "dialog"
    lost = Lost(tmp_path, ACT, "button Cancel\n", model=Says(on(sell)))
    move = lost.move(screen(sell))
    assert isinstance(move, Blocked) and "leads to `/voucher`, not to `/save`" in move.reason


def test_a_purchase_needs_more_than_the_models_word(tmp_path: Path) -> None:
    buy = ACT.model_copy(update={"effect": "buy", "leads": ""})
    new = button("b", "Order now")
    twin = button("t", "Order later", 1)
    move = Lost(tmp_path, buy, "button Cancel\n", model=Says(on(new))).move(screen(new, twin))
    assert isinstance(move, Blocked) and "only model oracle speaks for it" in move.reason


def test_a_check_that_fails_is_expected_otherwise_only_where_the_flow_goes_on(tmp_path: Path) -> None:
    lost = Lost(tmp_path, ACT, "button Cancel\n", model=Says(Finish()))
    history = [Done("looked")]
    asked = Instruction("goal", "save it")
    assert isinstance(lost.healer.propose(asked, history, screen(button("b", "Save")), "both").move, Act)
    history += [Done("click"), Done("terminate", note="blocked: look again")]
    move = lost.healer.propose(asked, history, screen(path="/kept"), "both").move
    assert isinstance(move, Blocked) and "what comes after it is not there either" in move.reason


def test_what_was_done_is_not_done_again_when_only_its_expectation_is_another(tmp_path: Path) -> None:
    lost = Lost(tmp_path, ACT, "button Cancel\n", model=Says(Finish()))
    lost.act = lost.act.model_copy(update={"page": ""})
    following = FlowAct(do="click", target=Anchor(role="button", name="Next"), effect="move")
    flow = lost.flow.model_copy(update={"steps": (lost.step, FlowStep(do="go on", done_by=(following,)))})
    player = Player(flow, {"name": "Ada"}, (), tmp_path)
    digest = "0" * 64
    healer = Healer(player, flow, lost.place, digest, "auto", lambda: lost.model, Slots({"name": "Ada"}))
    asked, history = Instruction("goal", "save it"), [Done("looked")]
    both = screen(button("b", "Save"), button("n", "Next", 1, form=None), path="/kept")
    assert isinstance(healer.propose(asked, history, screen(button("b", "Save")), "both").move, Act)
    history += [Done("click"), Done("terminate", note="blocked: look again")]
    assert isinstance(healer.propose(asked, history, both, "both").move, Finish), "the step is over"
    [told] = healer.told()["healed"]
    assert told["kind"] == "expectation"


def test_suggest_does_nothing_and_leaves_a_patch_that_a_person_accepts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = button("b", "Keep it", path="#go")
    lost = Lost(tmp_path, ACT, "button Cancel\n", "suggest", Says(on(new)))
    run = RunFolder.create(tmp_path / "runs", "x")
    lost.healer._folder = run
    move = lost.move(screen(new))
    assert isinstance(move, Blocked) and "a change is suggested" in move.reason
    before = lost.place.read_bytes()
    from agent.outcome import Ending

    ending = lost.healer.closing(Ending("infeasible", "it is lost"))
    assert "1 step to be reviewed, see flow.patch.yaml" in ending.because
    lost.healer.leave(run, None, ending, 1.0)  # type: ignore[arg-type]
    assert lost.place.read_bytes() == before, "the flow is never overwritten"
    patch = run.path / "flow.patch.yaml"
    [change] = load_patch(patch).changes
    assert not change.done and (run.path / change.picture).is_file()
    assert show(patch, None, tmp_path) == 0
    text = capsys.readouterr().out
    assert "-      name: Save" in text and "+      name: Keep it" in text and "(suggested)" in text
    assert accept(patch, None, tmp_path) == 0
    target = load_flow(lost.place)[0].steps[0].done_by[0].target
    assert target is not None and target.name == "Keep it"
    assert accept(patch, None, tmp_path) == 2, "it fits the flow that it was made for and no other"
    assert "has changed since" in capsys.readouterr().err


def test_a_patch_for_another_step_changes_nothing(tmp_path: Path) -> None:
    lost = Lost(tmp_path, ACT, "button Cancel\n")
    other = lost.step.model_copy(update={"do": "another"})
    plain = {"step": 1, "kind": "target", "why": "w", "by": "b"}
    patch = FlowPatch.model_validate(
        {"flow": "f", "flow_digest": "0" * 64, "changes": [{**plain, "before": other, "after": other}]}
    )
    again = load_patch_of(tmp_path, patch)
    with pytest.raises(TaskError, match="step 1 of the flow is not what the patch was made for"):
        applied(lost.flow, again.changes, "f")
    same = patch.changes[0].model_copy(update={"before": lost.step, "after": lost.step})
    assert diff(lost.flow, (same,), "f").count("\n") == 1


def load_patch_of(folder: Path, patch: FlowPatch) -> FlowPatch:
    place = folder / "flow.patch.yaml"
    place.write_text(patch_text(patch))
    assert yaml.safe_load(place.read_text())["version"] == 1
    return load_patch(place)


def test_a_stand_in_does_no_worse_and_lasts_in_no_other_way() -> None:
    assert no_worse("edit", "submit") and no_worse("buy", "buy") and no_worse("submit", "buy")
    assert not no_worse("submit", "edit") and not no_worse("delete", "buy") and not no_worse("send", "delete")
    assert not no_worse("unknown", "unknown") and not no_worse("look", "")


def test_an_act_of_more_than_it_is_for_is_named(tmp_path: Path) -> None:
    new = replace(button("b", "Keep it", path="#go"), role="link")
    move = Lost(tmp_path, ACT, "button Cancel\n", model=Says(on(new))).move(screen(new))
    assert isinstance(move, Act), "a button may have become a link"
