"""What every actuator must do, as tests to inherit: see `tests/actuators/test_fake.py`.

A subclass gives a fixture `stage`: an actuator on a page that holds, by these names, a one-line field `Name`, a field
of several lines `Notes`, a tick box `Agree`, a button `Save` (submits; `Saved` then shows the name and how often), a
button `Dodge` that moves away when the pointer comes, a button `Fickle` that changes its name then, a thing `Parcel`
that can be dragged onto `Bin` (`Dropped` then says so), a password field `Password`, and a text `Bottom` that only
scrolling brings into view.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pytest
from contract.mint import Mint
from PIL import Image

from actuators.action import (
    Action,
    Click,
    Drag,
    Hover,
    LaunchApp,
    LongPress,
    PressKeys,
    Scroll,
    TypeText,
    Wait,
    Zoom,
)
from actuators.base import Actuator, SecretRefused
from actuators.errors import SurfaceError, SurfaceLost
from actuators.geometry import Point, Rect
from actuators.observation import Node, Observation, Target
from actuators.permit import Permit
from actuators.receipt import Receipt

SECRET = "correct horse 電池"


@dataclass
class Vault:
    """Secrets for tests: one name, and only into password fields."""

    asked: list[str] = field(default_factory=list)

    def reveal(self, name: str, target: Target) -> str:
        self.asked.append(name)
        if name != "pin" or not target.secret_field:
            raise SecretRefused(f"`{name}` may not be typed here")
        return SECRET


class Stage(Protocol):
    """An actuator on the page described above, and hands behind the scenes."""

    actuator: Actuator
    mint: Mint

    def inner(self, name: str) -> str:
        """What is really in a field, read past the actuator."""
        ...

    def rename(self, name: str, to: str) -> None: ...

    def die(self, during_act: bool = False) -> None:
        """Break the surface, now or as soon as something is pressed."""
        ...


def named(seen: Observation, name: str) -> Node:
    found = [node for node in seen.nodes if node.name == name]
    assert found, f"`{name}` is not among {[node.name for node in seen.nodes]}"
    return found[0]


def middle(seen: Observation, name: str) -> Point:
    return named(seen, name).rect.centre


def cleared(stage: Stage, action: Action, seen: Observation, **terms: Any) -> Permit:
    return stage.mint.permit(action, stage.actuator.target(action, seen), **terms)


def do(stage: Stage, action: Action) -> Receipt:
    """Everything a step does around an act, without a policy; where pixels decide, with a second look at what lit up."""
    seen = stage.actuator.observe()
    receipt = stage.actuator.perform(cleared(stage, action, seen))
    if receipt.status == "stale" and getattr(stage, "pixels", False):
        stage.actuator.settle()
        receipt = stage.actuator.perform(cleared(stage, action, stage.actuator.observe()))
    stage.actuator.settle()
    return receipt


def aimed(stage: Stage, name: str) -> Observation:
    """What is seen with the pointer already there, where pixels decide; else simply what is seen."""
    if getattr(stage, "pixels", False):
        do(stage, Hover(at=middle(stage.actuator.observe(), name)))
    return stage.actuator.observe()


def press(stage: Stage, name: str, **how: Any) -> Receipt:
    return do(stage, Click(at=middle(stage.actuator.observe(), name), **how))


def looks(stage: Stage) -> Mapping[str, Node]:
    return {node.name: node for node in stage.actuator.observe().nodes}


class ActuatorContract:
    """Inherit, and give the fixture `stage`. What a surface has not is said in the class, and held against it too."""

    forms: bool = True
    """Whether the surface tells where a button or a field would send something."""
    pointer: bool = True
    """Whether something on the screen follows a pointer before anything is pressed."""
    nodes: bool = True
    """Whether the surface says what things are; where not, pixels decide, and the stage gives the kit its aim."""

    def _needs_nodes(self) -> None:
        if not self.nodes:
            pytest.skip("pixels do not tell what a thing is")

    # Looking

    def test_an_observation_is_a_picture_with_nodes_inside_it(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        with Image.open(io.BytesIO(seen.frame.png)) as picture:
            assert picture.size == (seen.screen.width, seen.screen.height)
        assert seen.surface == stage.actuator.surface
        assert abs(seen.taken_at - time.time()) < 30
        for node in seen.nodes:
            assert node.rect.area > 0
            assert node.rect.intersect(seen.screen.rect) == node.rect
        assert len({node.id for node in seen.nodes}) == len(seen.nodes)
        assert {"Name", "Notes", "Agree", "Save", "Dodge", "Fickle", "Password"} <= {node.name for node in seen.nodes}

    def test_observations_count_up_and_name_the_same_things_alike(self, stage: Stage) -> None:
        self._needs_nodes()
        first, second = stage.actuator.observe(), stage.actuator.observe()
        assert second.seq == first.seq + 1
        assert [node.id for node in first.nodes] == [node.id for node in second.nodes]

    def test_roles_states_and_forms_are_told(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        assert named(seen, "Name").role == "textbox" and named(seen, "Name").editable
        assert named(seen, "Agree").role == "checkbox" and named(seen, "Agree").checked is False
        save = named(seen, "Save")
        assert save.role == "button"
        if self.forms:
            assert save.submits and save.form is not None and save.form.method == "POST"
        else:
            assert not save.submits and save.form is None
        assert named(seen, "Password").password and not named(seen, "Save").password

    def test_the_middle_of_a_node_hits_that_node(self, stage: Stage) -> None:
        self._needs_nodes()
        seen = stage.actuator.observe()
        for name in ("Name", "Notes", "Agree", "Save", "Password"):
            node = named(seen, name)
            target = stage.actuator.target(Click(at=node.rect.centre), seen)
            assert target.node is not None and (target.node.id, target.node.name) == (node.id, name)
            assert seen.node_at(node.rect.centre) is not None

    def test_a_target_touches_nothing(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        for name in ("Save", "Agree", "Dodge"):
            stage.actuator.target(Click(at=middle(seen, name)), seen)
        assert stage.actuator.observe().nodes == seen.nodes

    def test_a_target_tells_where_an_act_would_lead(self, stage: Stage) -> None:
        self._needs_nodes()
        seen = stage.actuator.observe()
        target = stage.actuator.target(Click(at=middle(seen, "Save")), seen)
        assert target.node is not None
        if self.forms:
            assert target.node.form is not None and target.destination == target.node.form.action != ""
        assert stage.actuator.target(Click(at=middle(seen, "Name")), seen).destination == ""
        assert stage.actuator.target(Click(at=middle(seen, "Password")), seen).secret_field

    def test_keys_and_text_go_to_what_has_the_focus(self, stage: Stage) -> None:
        self._needs_nodes()
        press(stage, "Name")
        seen = stage.actuator.observe()
        target = stage.actuator.target(TypeText(text="x"), seen)
        assert target.node is not None and target.node.name == "Name" and target.node.focused
        entering = stage.actuator.target(PressKeys(keys=("enter",)), seen)
        assert entering.node is not None and entering.node.name == "Name"
        if self.forms:
            assert entering.node.form is not None and entering.destination == entering.node.form.action

    def test_a_point_off_the_screen_is_not_resolved(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        with pytest.raises(SurfaceError):
            stage.actuator.target(Click(at=Point(seen.screen.width, 0)), seen)

    # Permits

    def test_a_permit_is_used_once(self, stage: Stage) -> None:
        seen = aimed(stage, "Agree")
        permit = cleared(stage, Click(at=middle(seen, "Agree")), seen)
        assert stage.actuator.perform(permit).status == "done"
        again = stage.actuator.perform(permit)
        assert (again.status, again.performed) == ("refused", None)
        assert looks(stage)["Agree"].checked is True

    @pytest.mark.parametrize("wrong", [{"run": "other"}, {"policy": "other"}, {"lives_s": -60.0}])
    def test_a_permit_for_something_else_is_refused(self, stage: Stage, wrong: dict[str, Any]) -> None:
        seen = stage.actuator.observe()
        receipt = stage.actuator.perform(cleared(stage, Click(at=middle(seen, "Agree")), seen, **wrong))
        assert (receipt.status, receipt.performed) == ("refused", None)
        assert looks(stage)["Agree"].checked is False

    def test_a_forged_or_altered_permit_is_refused(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        agree, save = middle(seen, "Agree"), middle(seen, "Save")
        forged = Mint().permit(Click(at=agree), stage.actuator.target(Click(at=agree), seen))
        good = cleared(stage, Click(at=agree), seen)
        other = cleared(stage, Click(at=save), seen)
        for permit in (forged, replace(good, body=other.body), replace(good, signature=bytes(64))):
            receipt = stage.actuator.perform(permit)
            assert (receipt.status, receipt.performed) == ("refused", None)
        assert looks(stage)["Agree"].checked is False

    # What was judged is what happens

    def test_a_name_that_changed_meanwhile_makes_the_permit_stale(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        permit = cleared(stage, Click(at=middle(seen, "Agree")), seen)
        stage.rename("Agree", "Agree to pay 500 EUR")
        receipt = stage.actuator.perform(permit)
        assert (receipt.status, receipt.performed) == ("stale", None)
        assert looks(stage)["Agree to pay 500 EUR"].checked is False

    def test_a_button_that_moves_away_from_the_pointer_is_not_pressed(self, stage: Stage) -> None:
        self._needs_nodes()
        if not self.pointer:
            pytest.skip("nothing follows a pointer here")
        receipt = press(stage, "Dodge")
        assert (receipt.status, receipt.performed) == ("stale", None)
        assert "dodge" not in looks(stage)["Saved"].value + looks(stage)["Saved"].name

    def test_a_button_that_changes_its_name_under_the_pointer_is_not_pressed(self, stage: Stage) -> None:
        self._needs_nodes()
        if not self.pointer:
            pytest.skip("nothing follows a pointer here")
        receipt = press(stage, "Fickle")
        assert (receipt.status, receipt.performed) == ("stale", None)

    def test_keys_are_stale_when_the_focus_moved(self, stage: Stage) -> None:
        self._needs_nodes()
        press(stage, "Name")
        seen = stage.actuator.observe()
        permit = cleared(stage, TypeText(text="secret plans"), seen)
        press(stage, "Notes")
        late = stage.mint.permit(TypeText(text="x"), stage.actuator.target(TypeText(text="x"), seen))
        assert late != permit
        assert stage.inner("Notes") == ""
        press(stage, "Name")
        permit = cleared(stage, TypeText(text="secret plans"), stage.actuator.observe())
        stage.rename("Name", "Post this in public")
        assert stage.actuator.perform(permit).status == "stale"
        assert stage.inner("Post this in public") == ""

    def test_what_a_form_would_send_may_not_change_after_it_was_judged(self, stage: Stage) -> None:
        if not self.forms:
            pytest.skip("the surface tells of no forms")
        press(stage, "Name")
        seen = stage.actuator.observe()
        judged = stage.actuator.target(Click(at=middle(seen, "Save")), seen)
        do(stage, TypeText(text="other"))
        receipt = stage.actuator.perform(stage.mint.permit(Click(at=middle(seen, "Save")), judged))
        assert (receipt.status, receipt.performed) == ("stale", None)
        assert looks(stage)["Saved"].value == ""

    # Acting

    def test_a_receipt_says_what_was_done_and_when(self, stage: Stage) -> None:
        before = time.time()
        receipt = press(stage, "Agree")
        assert receipt.status == "done" and isinstance(receipt.performed, Click)
        assert before <= receipt.started_at <= receipt.ended_at <= time.time()
        assert looks(stage)["Agree"].checked is True

    @pytest.mark.parametrize(
        "text", ["Zürich", "日本語テキスト", "مرحبا שלום", "👩‍👩‍👧 🇨🇭 e\u0301", "<b>&amp;'\"`${x}`", "a" * 500]
    )
    def test_text_is_typed_as_it_is(self, stage: Stage, text: str) -> None:
        press(stage, "Name")
        assert do(stage, TypeText(text=text)).performed == TypeText(text=text)
        assert stage.inner("Name") == text
        assert looks(stage)["Name"].value == text

    def test_line_breaks_are_typed_where_lines_fit_and_submit_nothing_elsewhere(self, stage: Stage) -> None:
        self._needs_nodes()
        press(stage, "Notes")
        do(stage, TypeText(text="one\ntwo"))
        assert stage.inner("Notes") == "one\ntwo"
        press(stage, "Name")
        receipt = do(stage, TypeText(text="one\ntwo\n"))
        assert receipt.performed == TypeText(text="one two")
        assert stage.inner("Name") == "one two"
        assert "one" not in looks(stage)["Saved"].value

    def test_selected_text_is_replaced(self, stage: Stage) -> None:
        press(stage, "Name")
        do(stage, TypeText(text="first"))
        do(stage, PressKeys(keys=("ctrl", "a")))
        do(stage, TypeText(text="second"))
        assert stage.inner("Name") == "second"

    def test_keys_are_pressed(self, stage: Stage) -> None:
        press(stage, "Name")
        do(stage, TypeText(text="abc"))
        assert do(stage, PressKeys(keys=("backspace",))).status == "done"
        assert stage.inner("Name") == "ab"
        do(stage, PressKeys(keys=("enter",)))
        assert looks(stage)["Saved"].value == "ab 1"

    def test_an_unknown_key_fails_before_anything_is_pressed(self, stage: Stage) -> None:
        press(stage, "Name")
        receipt = do(stage, PressKeys(keys=("ctrl", "warp")))
        assert (receipt.status, receipt.performed) == ("failed", None)

    def test_text_without_a_field_fails(self, stage: Stage) -> None:
        self._needs_nodes()
        press(stage, "Agree")
        receipt = do(stage, TypeText(text="lost"))
        assert (receipt.status, receipt.performed) == ("failed", None)

    def test_a_button_is_pressed_once(self, stage: Stage) -> None:
        press(stage, "Name")
        do(stage, TypeText(text="Ada"))
        press(stage, "Save")
        assert looks(stage)["Saved"].value == "Ada 1"

    def test_a_drag_takes_one_thing_to_another(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        receipt = do(stage, Drag(start=middle(seen, "Parcel"), end=middle(seen, "Bin")))
        assert receipt.status == "done"
        assert looks(stage)["Dropped"].value == "Parcel in Bin"

    def test_scrolling_shows_what_lies_below_and_back(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        assert seen.more == ("below",) and "Bottom" not in looks(stage)
        at = middle(seen, "Dropped")
        assert do(stage, Scroll(at=at, dy=20000)).status == "done"
        assert "Bottom" in looks(stage) and stage.actuator.observe().more == ("above",)
        do(stage, Scroll(at=at, dy=-20000))
        assert stage.actuator.observe().more == ("below",)

    def test_hovering_waiting_and_looking_closer_press_nothing(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        at = middle(seen, "Agree")
        hovered = do(stage, Hover(at=at))
        assert hovered.performed == Hover(at=at) if self.pointer else hovered.status == "failed"
        for action in (Wait(seconds=0.05), Zoom(region=Rect(0, 0, 40, 40))):
            assert do(stage, action).performed == action
        assert looks(stage)["Agree"].checked is False
        assert do(stage, LongPress(at=at, seconds=0.05)).status == "done"

    def test_what_the_surface_does_not_have_fails(self, stage: Stage) -> None:
        receipt = do(stage, LaunchApp(name="calc"))
        assert (receipt.status, receipt.performed) == ("failed", None)

    def test_a_still_surface_settles(self, stage: Stage) -> None:
        stage.actuator.settle()
        settled = stage.actuator.settle(2.0)
        assert settled.still and settled.waited_s < 2 and settled.watching == ""

    # Secrets

    def test_a_secret_reaches_its_field_and_nothing_else(self, stage: Stage) -> None:
        self._needs_nodes()
        press(stage, "Password")
        asked = TypeText(text="<secret:pin>")
        receipt = do(stage, asked)
        assert receipt.status == "done" and receipt.performed == asked
        assert stage.inner("Password") == SECRET
        seen = stage.actuator.observe()
        field_ = named(seen, "Password")
        assert (field_.value, field_.filled) == ("", True)
        assert SECRET not in repr(receipt) + repr(seen) + repr(stage.actuator.target(asked, seen))

    @pytest.mark.parametrize(("where", "name"), [("Name", "pin"), ("Password", "other")])
    def test_a_secret_that_may_not_go_there_is_refused(self, stage: Stage, where: str, name: str) -> None:
        press(stage, where)
        receipt = do(stage, TypeText(text=f"<secret:{name}>"))
        assert (receipt.status, receipt.performed) == ("refused", None)
        assert stage.inner(where) == ""

    # Endings

    def test_closing_twice_is_fine_and_nothing_works_after(self, stage: Stage) -> None:
        stage.actuator.close()
        stage.actuator.close()
        with pytest.raises(SurfaceLost):
            stage.actuator.observe()

    def test_a_surface_that_has_died_is_lost(self, stage: Stage) -> None:
        seen = stage.actuator.observe()
        permit = cleared(stage, Click(at=middle(seen, "Agree")), seen)
        stage.die()
        with pytest.raises(SurfaceLost):
            stage.actuator.observe()
        with pytest.raises(SurfaceLost):
            stage.actuator.target(Click(at=Point(1, 1)), seen)
        with pytest.raises(SurfaceLost):
            stage.actuator.perform(permit)
        with pytest.raises(SurfaceLost):
            stage.actuator.settle()

    def test_dying_in_the_middle_of_an_act_is_an_unknown_effect(self, stage: Stage) -> None:
        seen = aimed(stage, "Save")
        action = Click(at=middle(seen, "Save"))
        permit = cleared(stage, action, seen)
        stage.die(during_act=True)
        receipt = stage.actuator.perform(permit)
        assert (receipt.status, receipt.performed) == ("unknown", action)
