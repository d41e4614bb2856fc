"""Flow files and templates: what a recorded text stands for, and what a wrong file is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from agent.flow.file import Anchor, Flow, FlowAct, FlowStep, load_flow, written
from agent.flow.slots import Slots
from agent.task_errors import TaskError

VALUES = {"origin": "Zurich", "date": date(2026, 12, 14), "passenger": "Ada Lovelace", "born": date(1990, 12, 10)}


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("Zurich", "{{origin}}"),
        ("14 December 2026", "{{date|%-d %B %Y}}"),
        ("10.12.1990", "{{born|%d.%m.%Y}}"),
        ("Ada", "{{passenger|first_word}}"),
        ("Flights from Zurich on 14 December 2026", "Flights from {{origin}} on {{date|%-d %B %Y}}"),
        ("Zurichberg", "Zurichberg"),
        ("Pay 141.50 EUR", "Pay 141.50 EUR"),
        ("<secret:card_number>", "<secret:card_number>"),
    ],
)
def test_values_become_inputs(text: str, template: str) -> None:
    assert Slots(VALUES, "press {{date|%-d %B %Y}}").template(text) == template


def test_the_step_decides_between_two_inputs_of_one_value() -> None:
    slots = Slots({"home": "Zurich", "work": "Zurich"})
    assert slots.template("Zurich", "type {{work}} into the Work field") == "{{work}}"
    assert not slots.unclear
    assert slots.template("Zurich") == "{{home}}" and slots.unclear == {"Zurich": ("work", "home")}


def test_braces_of_a_page_are_no_template() -> None:
    with pytest.raises(ValueError, match="stands for an input"):
        Slots(VALUES).template("Hello {{name}}")


def flow() -> Flow:
    act = FlowAct(do="click", target=Anchor(role="button", name="Save"), page="/")
    step = FlowStep(do="press Save", done_by=(act,))
    return Flow(version=1, name="x", task="task.yaml", task_digest="0" * 64, steps=(step,))


def test_a_flow_reads_back_as_it_was_written(tmp_path: Path) -> None:
    place = tmp_path / "flow.yaml"
    place.write_text(written(flow()))
    assert load_flow(place)[0] == flow()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("page: /", "pagee: /", "did you mean `page`"),
        ("do: click", "do: klick", "flow.yaml:"),
        ("steps:", "stepz:", "this is no flow"),
        ("page: /", "page: [", "flow.yaml:"),
    ],
)
def test_a_wrong_flow_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    place = tmp_path / "flow.yaml"
    assert old in written(flow())
    place.write_text(written(flow()).replace(old, new))
    with pytest.raises(TaskError) as caught:
        load_flow(place)
    assert said in caught.value.lines[0] and "\n" not in caught.value.lines[0]
