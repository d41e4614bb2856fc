"""What scoring decides without an evaluator, and how it refuses: nothing here needs the scoring environment."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scoring_stage import score_of

from osworld_eval.osworld.scoring import install as installing
from osworld_eval.osworld.scoring.bugs import BUGS, MENDABLE
from osworld_eval.osworld.scoring.cases import Case, all_cases, rule
from osworld_eval.osworld.scoring.install import EnvironmentMissing, environment, install
from osworld_eval.osworld.scoring.parity import Stage
from osworld_eval.osworld.scoring.score import Scorer
from osworld_eval.osworld.suite import Step
from osworld_eval.osworld.vocabulary import GETTERS, METRICS

INFEASIBLE = Case(
    "cannot be done", {"func": "infeasible", "postconfig": [{"type": "sleep", "parameters": {"seconds": 1}}]}
)
DOABLE = Case("can be done", {"func": "exact_match", "result": rule("a"), "expected": rule({"expected": "a"})})


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("case", "failed", "value", "why"),
    [
        (INFEASIBLE, True, 1.0, "infeasible, and the last act was FAIL"),
        (INFEASIBLE, False, 0.0, "infeasible, and the last act was not FAIL"),
        (DOABLE, True, 0.0, "the last act was FAIL, and the task can be done"),
    ],
)
def test_the_last_act_alone_decides_where_upstream_lets_it(
    case: Case, failed: bool, value: float, why: str, on: Stage
) -> None:
    found = score_of(Scorer(), on, case, failed=failed)
    assert (found.value, found.reason, found.error) == (value, why, None)


def test_post_configuration_comes_first_even_there_and_what_breaks_in_it_is_an_error(on: Stage) -> None:
    done: list[Step] = []
    score_of(Scorer(), on, INFEASIBLE, failed=True, postconfig=done.extend)
    assert [step.type for step in done] == ["sleep"]

    def broken(steps: object) -> None:
        raise OSError("the guest\nis gone")

    found = score_of(Scorer(), on, INFEASIBLE, failed=True, postconfig=broken)
    assert found.value is None and found.error == "post-configuration broke: the guest is gone"


@pytest.mark.parametrize(("getter", "port"), [("open_tabs_info", "chromium"), ("vlc_playing_info", "vlc")])
def test_a_getter_that_needs_a_port_of_the_guest_says_so(getter: str, port: str, on: Stage) -> None:
    result = {"type": getter, **({"dest": "s.xml"} if port == "vlc" else {})}
    found = score_of(Scorer(), on, Case(getter, {"func": "exact_match", "result": result}), ports={})
    assert found.value is None
    assert found.error is not None and found.error.startswith(
        f"not supported: `{getter}` needs the guest's {port} port"
    )


def test_a_task_file_that_changed_since_it_was_looked_over_is_not_scored(on: Stage) -> None:
    task = on.task(DOABLE)
    task.path.write_text(json.dumps({"evaluator": {"func": "infeasible"}}))
    found = Scorer().score(
        task, on.guest.address, None, on.cache(DOABLE), on.assets, failed=False, postconfig=lambda steps: None
    )
    assert found.value is None and "changed since" in str(found.error)


def test_a_bug_that_nobody_knows_cannot_be_mended(on: Stage) -> None:
    with pytest.raises(ValueError, match="no bug is called `all`, expected some of: eval-of-guest-text"):
        score_of(Scorer(), on, DOABLE, mended=frozenset({"all"}))


def test_a_scorer_that_is_not_open_says_so(on: Stage) -> None:
    assert score_of(Scorer(), on, DOABLE).error == "the scorer is not open"


def test_every_switch_has_a_cure_and_every_cure_a_reason() -> None:
    source = Path(installing.__file__).with_name("inside") / "mending.py"
    names = {
        key.value
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.target) == "MENDINGS"
        and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    assert names == MENDABLE
    assert len({bug.name for bug in BUGS}) == len(BUGS) and all(bug.what and bug.where for bug in BUGS)
    how_to = (Path(__file__).parents[2] / "docs" / "how-to" / "score-osworld.md").read_text()
    for bug in BUGS:
        assert f"| `{bug.name}` | {bug.where} | {bug.what} | {bug.mended or 'cannot be'} |" in how_to


def test_the_cases_of_parity_name_real_metrics_and_getters_and_most_of_them() -> None:
    cases = all_cases()
    assert len([case for case in cases if not case.full]) >= 150

    def listed(told: Any) -> list[Any]:
        return told if isinstance(told, list) else [told]

    metrics = {name for case in cases for name in listed(case.evaluator["func"])}
    getters = {
        one["type"]
        for case in cases
        for key in ("result", "expected")
        for one in listed(case.evaluator.get(key, []))
        if one
    }
    assert metrics <= set(METRICS) and getters <= set(GETTERS)
    assert len(metrics) > 100 and len(getters) > 35


# The environment


def test_a_missing_environment_is_told_in_one_line_with_what_makes_it(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("DESKHAND_SCORING", str(tmp_path / "none"))
    with pytest.raises(EnvironmentMissing) as told:
        Scorer().__enter__()
    assert str(told.value) == (
        f"{tmp_path}/none: OSWorld's evaluators are not installed here; "
        "try: python -m osworld_eval.osworld.scoring.install"
    )
    with pytest.raises(EnvironmentMissing, match=r"--into .*/other"):
        environment(tmp_path / "other")


def test_an_environment_of_other_pins_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "deskhand-scoring").write_text("light 0123\n")
    with pytest.raises(EnvironmentMissing, match="from other pins"):
        environment(tmp_path)


def test_nothing_is_installed_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place, why in ((tmp_path / "file", "this is a file"), (tmp_path, "holds something else")):
        with pytest.raises(EnvironmentMissing, match=why):
            install(place)
    assert (tmp_path / "file").read_text() == "x"


def test_pins_are_exact_and_no_package_is_pinned_twice() -> None:
    names: list[str] = []
    for level in ("light", "full"):
        text = (Path(installing.__file__).parent / f"{level}.txt").read_text()
        pins = [line for line in text.splitlines() if not line.startswith("#")]
        assert all(line.count("==") == 1 and " " not in line for line in pins)
        names += [line.partition("==")[0] for line in pins]
    assert "desktop-env" in names and len(set(names)) == len(names)
    assert not {"torch", "easyocr", "wandb", "transformers"} & set(names)
