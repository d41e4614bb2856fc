"""A run leaves a flow, and the flow is done again on real pages: with other words, moved, doubled and swapped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
from office import Office, office
from procs import Finished, agent, environment
from world import events

from agent.flow.file import load_flow
from agent.run_folder import RunFolder

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def here() -> Iterator[Office]:
    with office() as one:
        yield one


@pytest.fixture(scope="module")
def flow(here: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recorded once, from a run of the scripted oracle."""
    folder = tmp_path_factory.mktemp("recorded")
    task = here.task(folder)
    words = ("run", str(task), "--model", "plan", "--approve", "deny", "--json", "--runs", str(folder / "runs"))
    found = agent(*words, timeout=200)
    assert found.code == 0, found.out[-800:] + found.err
    assert here.saved == ["Ada Lovelace"]
    return Path(found.last["folder"]) / "flow.yaml"


def replay(flow: Path, runs: Path, *more: str) -> Finished:
    words = ("replay", str(flow), "--approve", "deny", "--json", "--runs", str(runs), *more)
    return agent(*words, timeout=200)


def test_what_was_typed_is_an_input_and_nothing_of_the_machine_is_in_it(flow: Path, here: Office) -> None:
    text = flow.read_text()
    assert "Ada" not in text and "127.0.0.1" not in text and str(flow.parent.parent) not in text
    [typed, pressed] = load_flow(flow)[0].steps
    assert [act.do for act in typed.done_by] == ["fill"] and typed.done_by[0].text == "{{name}}"
    assert typed.done_by[0].after.value == "{{name}}"
    assert [(act.do, act.target and act.target.name) for act in pressed.done_by] == [("click", "Save")]
    assert pressed.done_by[0].after.address == "/save" and pressed.done_by[0].after.shown == ("Done",)
    picture = pressed.done_by[0].target
    assert picture is not None and (flow.parent / "patches" / f"{picture.patch}.png").is_file()


def test_it_saves_another_name_on_a_page_that_was_rebuilt(flow: Path, here: Office, tmp_path: Path) -> None:
    here.saved.clear()
    here.state = "moved"
    report = tmp_path / "out.xml"
    found = replay(flow, tmp_path, "--set", "name=Grace Hopper", "--junit", str(report))
    assert (found.code, found.last["outcome"]) == (0, "verified"), found.out[-800:] + found.err
    assert here.saved == ["Grace Hopper"] and not here.wrong
    assert found.verdict.ok and found.record["model"] == "flow"
    [suite] = xml.parse(report).getroot()
    assert suite.attrib["tests"] == "1" and suite.attrib["failures"] == suite.attrib["errors"] == "0"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("twins", '2 things are button "Save"'),
        ("swapped", 'where it was is now button "Delete"'),
        ("elsewhere", "the page is at `/other`, not at `/`"),
    ],
)
def test_in_doubt_nothing_is_pressed_and_the_step_is_named(
    flow: Path, here: Office, tmp_path: Path, state: str, said: str
) -> None:
    here.saved.clear()
    here.state = state
    found = replay(flow, tmp_path)
    assert (found.code, found.last["outcome"]) == (21, "infeasible"), found.out[-800:] + found.err
    assert said in found.last["because"] and "of the flow" in found.last["because"]
    assert not here.saved and not here.wrong


def test_a_renamed_button_is_suggested_or_pressed_and_the_flow_stays_what_it_was(
    flow: Path, here: Office, tmp_path: Path
) -> None:
    here.saved.clear()
    here.state, before = "renamed", flow.read_bytes()
    asked = replay(flow, tmp_path / "asked", "--heal", "suggest", "--model", "plan")
    assert (asked.code, asked.last["outcome"]) == (21, "infeasible"), asked.out[-800:] + asked.err
    assert not here.saved and [one["kind"] for one in asked.last["suggested"]] == ["target"]
    assert "+      name: Save it" in asked.err
    done = replay(flow, tmp_path / "done", "--heal", "auto", "--model", "plan", "--set", "name=Grace Hopper")
    assert (done.code, done.last["outcome"]) == (0, "verified"), done.out[-800:] + done.err
    assert here.saved == ["Grace Hopper"] and not here.wrong and flow.read_bytes() == before
    assert "1 step healed, see flow.patch.yaml" in done.last["because"] and done.verdict.ok
    assert [name for name, _ in events(RunFolder(done.folder))].count("gui.heal") == 1


@pytest.mark.slow
@pytest.mark.parametrize("state", ["swapped", "twins", "elsewhere"])
def test_what_is_another_thing_is_healed_by_nobody(flow: Path, here: Office, tmp_path: Path, state: str) -> None:
    here.saved.clear()
    here.state = state
    found = replay(flow, tmp_path, "--heal", "auto", "--model", "plan")
    assert (found.code, found.last["outcome"]) == (21, "infeasible"), found.out[-800:] + found.err
    assert "not healed" in found.last["because"] and not here.saved and not here.wrong


WATCHED = """
import sys
from pathlib import Path
try:
    from agent.cli import main
    main()
except SystemExit as end:
    assert not end.code, end.code
assert not {"torch", "transformers"} & set(sys.modules)
maps = Path("/proc/self/maps")
assert not maps.exists() or "libtorch" not in maps.read_text()
print("no model was loaded")
"""


def test_no_model_is_loaded_and_what_lies_below_is_scrolled_to(flow: Path, here: Office, tmp_path: Path) -> None:
    here.saved.clear()
    here.state = "below"
    words = ["replay", str(flow), "--approve", "deny", "--runs", str(tmp_path), "--set", "name=Alan Turing"]
    command = [sys.executable, "-c", WATCHED, *words]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0 and "no model was loaded" in done.stdout, done.stdout[-800:] + done.stderr
    assert here.saved == ["Alan Turing"] and not here.wrong


def test_a_table_is_done_once_row_by_row(flow: Path, here: Office, tmp_path: Path) -> None:
    here.saved.clear()
    here.state = "plain"
    table = tmp_path / "rows.csv"
    table.write_text("name\nAda Byron\nAda Byron\nR2D2\n")
    first = replay(flow, tmp_path / "runs", "--inputs", str(table), "--junit", str(tmp_path / "rows.xml"))
    assert first.code == 10, first.out + first.err
    told = [json.loads(line) for line in (tmp_path / "rows.csv.results.jsonl").read_text().splitlines()]
    assert [(one["row"], one["status"]) for one in told] == [(1, "verified"), (2, "duplicate"), (3, "business")]
    assert "does not match the pattern" in told[2]["because"]
    assert here.saved == ["Ada Byron"]
    again = replay(flow, tmp_path / "runs", "--inputs", str(table))
    assert again.code == 10 and here.saved == ["Ada Byron"]
    (tmp_path / "rows.csv.results.jsonl").unlink()  # as after a kill between the run's end and the result's line
    lost = replay(flow, tmp_path / "runs", "--inputs", str(table))
    assert lost.code == 10 and here.saved == ["Ada Byron"], lost.out + lost.err
    [suite] = xml.parse(tmp_path / "rows.xml").getroot()
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "0", "skipped": "1",
    }  # fmt: skip


@pytest.mark.slow
def test_a_table_is_done_on_a_ray_cluster_that_is_started_for_it(flow: Path, here: Office, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    here.saved.clear()
    here.state = "plain"
    table, names = tmp_path / "rows.csv", ["Ada Byron", "Grace Hopper", "Mary Somerville"]
    table.write_text("\n".join(["name", *names, "R2D2"]) + "\n")
    words = ("--inputs", str(table), "--ray", "--workers", "2")
    found = replay(flow, tmp_path / "runs", *words)
    assert found.code == 10, found.out + found.err
    told = [json.loads(line) for line in (tmp_path / "rows.csv.results.jsonl").read_text().splitlines()]
    assert [one["status"] for one in told] == ["verified"] * 3 + ["business"]
    assert sorted(here.saved) == names and not here.wrong
    assert replay(flow, tmp_path / "runs", *words).code == 10 and len(here.saved) == 3
