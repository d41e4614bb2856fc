"""The task files, the rules they run under and the command line, without any application."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.task import load_task
from agent.task_file import TextCheck, UrlCheck
from osworld_eval.cli import main as evaluate
from osworld_eval.webapps import install
from osworld_eval.webapps.application import APPLICATIONS, ApplicationError, Served, prepare
from osworld_eval.webapps.expectations import TASKS
from osworld_eval.webapps.play import FOLDER, PLACEHOLDER, chosen, placed, policies_for
from policies.decide import PolicySet
from policies.narrow import Narrow
from policies.table import failures, load_table

ORIGIN = "http://127.0.0.1:39871"


def test_every_task_file_has_its_expectation_and_every_application_its_script() -> None:
    assert {path.stem for path in (FOLDER / "tasks").glob("*.yaml")} == set(TASKS)
    assert {path.stem for path in (FOLDER / "served").glob("*.py")} >= set(APPLICATIONS)
    assert len(TASKS) >= 8 and len({task.application for task in TASKS.values()}) >= 4


@pytest.mark.parametrize("name", TASKS)
def test_a_task_file_is_right_and_speaks_only_of_the_address_it_is_given(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "x")
    path = placed(TASKS[name], ORIGIN, tmp_path)
    assert PLACEHOLDER not in path.read_text() and ":8000" not in path.read_text()
    task = load_task(path).bind()
    assert task.browser.start.startswith(ORIGIN + "/")
    assert task.policy.narrow.origins == (ORIGIN,) and task.policy.narrow.consequences
    assert task.secrets["password"].origins == (ORIGIN,)
    assert task.steps and any(isinstance(check, TextCheck | UrlCheck) or check.kind == "node" for check in task.success)


@pytest.mark.parametrize("application", APPLICATIONS)
def test_the_rules_of_an_application_load(application: str) -> None:
    names = [str(path) for path in policies_for(application)]
    PolicySet.load(names, Narrow.model_validate({"origins": [ORIGIN]}))
    assert ("office.cedar" in names[0]) and len(names) in (1, 2)


@pytest.mark.parametrize("table", sorted(path.name for path in (FOLDER / "policies").glob("*.tests.yaml")))
def test_the_rules_say_what_their_tables_say(table: str) -> None:
    given = load_table(FOLDER / "policies" / table)
    rules = policies_for(table.removesuffix(".tests.yaml"))
    assert failures(given.model_copy(update={"policies": tuple(str(rule) for rule in rules)})) == []


def test_names_and_beginnings_choose_tasks() -> None:
    assert [task.name for task in chosen(["wiki"])] == ["wiki_new_page", "wiki_edit_page"]
    assert [task.name for task in chosen(["tracker_close", "django_add_user"])] == [
        "django_add_user",
        "tracker_close_ticket",
    ]
    assert len(chosen([""])) == len(TASKS)


def test_an_unknown_task_is_misuse_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(["webapps", "--tasks", "trello"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "no task `trello`" in said and "django_add_user" in said


def test_without_the_applications_the_command_that_installs_them_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(["webapps", "--environment", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"try: {install.COMMAND} {tmp_path}" in said


def test_an_environment_of_other_pins_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("")
    (tmp_path / install._MARK).write_text("of yesterday\n")
    with pytest.raises(install.EnvironmentMissing, match="of other versions; try again"):
        install.environment(tmp_path)


def test_installing_touches_nothing_that_is_not_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert install.main([str(tmp_path)]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert install.main([str(tmp_path / "letter.txt")]) == 2
    assert "this is a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_wrong_words_are_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["a", "b"]) == 2 and install.main(["--fast"]) == 2
    assert "usage: " in capsys.readouterr().err
    assert install.main(["--help"]) == 0


def test_a_failing_package_index_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("no-such-package-anywhere==0.0.1\n")
    monkeypatch.setattr(install, "REQUIREMENTS", wanted)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    made = tmp_path / "made"
    (made / "bin").mkdir(parents=True)
    (made / "pyvenv.cfg").write_text("")
    (made / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(install.EnvironmentMissing, match=r"pip says: .*no-such-package-anywhere"):
        install.install(made)


def test_an_application_without_its_python_or_its_packages_says_so(tmp_path: Path) -> None:
    django = APPLICATIONS["django_admin"]
    with pytest.raises(ApplicationError, match="there is no such Python; try: "):
        prepare(django, tmp_path / "python", tmp_path / "data")
    bare = tmp_path / "bare"
    bare.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'django'\" >&2\nexit 1\n")
    bare.chmod(0o755)
    with pytest.raises(ApplicationError, match="Django's admin could not be made ready: ModuleNotFoundError"):
        prepare(django, bare, tmp_path / "data")
    (tmp_path / "seeded").mkdir()
    with (
        pytest.raises(ApplicationError, match="did not start: ModuleNotFoundError"),
        Served(django, bare, tmp_path / "seeded", tmp_path / "run"),
    ):
        pass
