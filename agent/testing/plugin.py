"""Hooks, options and fixtures. Imports nothing of a run until a test asks for one; each run is a process of its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agent.testing.runs import AgentRun, Ran
    from agent.testing.surface import Surface

__all__ = ["agent_run", "ran", "surface"]

_FOLDERS: pytest.StashKey[list[Path]] = pytest.StashKey()
_FAILED: pytest.StashKey[bool] = pytest.StashKey()
_RAN: pytest.StashKey[Any] = pytest.StashKey()
_MARK = (
    "task(file, *, outcome='verified', model=None, policy=(), site=None, **inputs): run this task file; the test fails "
    "unless the run ends so, and its body may look at it through the fixture `ran`"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("deskhand", "driving screens under a policy")
    group.addoption("--deskhand-model", default=None, help="`pilot`, `plan`, a folder, or http://HOST:PORT/v1#NAME.")
    group.addoption("--deskhand-headed", action="store_true", help="Show browser windows.")
    group.addoption(
        "--deskhand-artefacts", default=None, help="Where run folders of failed tests are kept: deskhand-artefacts."
    )
    parser.addini("deskhand_model", "The model of tasks that name none.", default="pilot")
    parser.addini("deskhand_artefacts", "Where run folders of failed tests are kept.", default="deskhand-artefacts")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARK)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", None)
        if names is not None and item.get_closest_marker("task") is not None and "agent_run" not in names:
            names.append("agent_run")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test of a task fails, rather than breaks, where the run does not end as wanted."""
    mark = pyfuncitem.get_closest_marker("task")
    if mark is not None:
        found = _marked(pyfuncitem)
        wanted = mark.kwargs.get("outcome", "verified")
        if found.outcome != wanted:
            pytest.fail(f"{mark.args[0]}: {found.outcome}, not {wanted}: {found.because}", pytrace=False)
    return (yield)


def _marked(item: pytest.Item) -> Ran:
    """The run of a test's marker; the same one however often it is asked for."""
    if _RAN not in item.stash:
        mark = item.get_closest_marker("task")
        if mark is None or len(mark.args) != 1:
            pytest.fail('`ran` needs the marker @pytest.mark.task("tasks/x.yaml")', pytrace=False)
        given = dict(mark.kwargs)
        given.pop("outcome", None)
        how = {name: given.pop(name) for name in ("model", "policy", "site") if name in given}
        run: AgentRun = item.funcargs["agent_run"]  # type: ignore[attr-defined]
        item.stash[_RAN] = run(mark.args[0], inputs=given, **how)
    found: Ran = item.stash[_RAN]
    return found


@pytest.fixture
def agent_run(request: pytest.FixtureRequest, tmp_path: Path) -> AgentRun:
    """Runs a task, given as a file or as a dict, to its end: `agent_run("tasks/x.yaml", inputs={...})`."""
    from agent.testing.runs import AgentRun, Settings

    return AgentRun(_settings(request, tmp_path, Settings), lambda folder: _keep(request.node, folder))


@pytest.fixture
def ran(request: pytest.FixtureRequest, agent_run: AgentRun) -> Ran:
    """The run of the test's marker `task`."""
    request.node.funcargs.setdefault("agent_run", agent_run)
    return _marked(request.node)


@pytest.fixture
def surface(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Surface]]:
    """Opens a task's browser or desktop to look and act on under its policy; closed when the test is over."""
    from agent.testing.runs import Settings
    from agent.testing.surface import opened

    held: list[Surface] = []

    def open_one(task: str | Path | dict[str, Any], **how: Any) -> Surface:
        one = opened(_settings(request, tmp_path, Settings), task, **how)
        held.append(one)
        _keep(request.node, one.folder)
        return one

    yield open_one
    for one in held:
        one.close()


def _settings(request: pytest.FixtureRequest, folder: Path, make: Callable[..., Any]) -> Any:
    config = request.config
    model = config.getoption("--deskhand-model") or config.getini("deskhand_model")
    places = (Path(request.path).parent, config.rootpath)
    return make(folder, places, str(model), bool(config.getoption("--deskhand-headed")))


# Run folders of failed tests are kept


def _keep(item: pytest.Item, folder: Path) -> None:
    item.stash.setdefault(_FOLDERS, []).append(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    folders = item.stash.get(_FOLDERS, [])
    if report.failed and folders:
        item.stash[_FAILED] = True
        lines = [f"{_place(item) / folder.name}" for folder in folders]
        report.sections.append(("deskhand", "run folders, each with its report.html:\n" + "\n".join(lines)))
    if call.when == "teardown" and item.stash.get(_FAILED, False):
        for folder in folders:
            _copied(folder, _place(item) / folder.name)
    return report


def _place(item: pytest.Item) -> Path:
    config = item.config
    given = config.getoption("--deskhand-artefacts") or config.getini("deskhand_artefacts")
    return Path(config.rootpath / str(given)) / re.sub(r"[^\w.-]+", "_", item.nodeid)[-120:].strip("_")


def _copied(folder: Path, place: Path) -> None:
    with suppress(OSError):  # what is lost is a copy; the test's own failure tells more
        shutil.copytree(folder, place, dirs_exist_ok=True)
