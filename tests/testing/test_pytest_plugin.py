"""The plugin in suites of somebody else's: real little suites, real pages, run by pytest as a process of its own."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve()
for _place in (_HERE.parents[1] / "agent", _HERE.parents[1]):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

from procs import ROOT, Shop, environment, shop  # noqa: E402

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.timeout(300)]


@pytest.fixture
def here() -> Iterator[Shop]:
    with shop(price="89.00 EUR") as one:
        yield one


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name, value in environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1").items():
        monkeypatch.setenv(name, value)
    pytester.makeini("[pytest]\ndeskhand_model = plan\naddopts = -q --strict-markers\n")
    return pytester


def run(suite: pytest.Pytester, *more: str) -> pytest.RunResult:
    """The plugin alone, by its module, so that it is this checkout's whatever is installed."""
    return suite.runpytest_subprocess("-p", "agent.testing.plugin", *more)


@pytest.mark.browser
def test_a_marker_makes_a_test_of_a_task_and_what_fails_leaves_its_run(suite: pytest.Pytester, here: Shop) -> None:
    here.task(suite.path, name="shop.yaml")
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.task("shop.yaml")
        def test_it_is_bought(ran):
            assert ran and ran.steps and ran.folder.joinpath("report.html").is_file()

        def test_the_policy_holds_for_a_test_as_well(surface):
            page = surface("shop.yaml", policy="browse")
            with pytest.raises(AssertionError, match="there is no button \\"Sell\\""):
                page.click("button", "Sell")
            came = page.act("click", node=page.find("button", "Pay 89.00 EUR")["id"])
            assert (came["status"], came["verdict"]) == ("refused", "deny")
            page.click("button", "More")
            assert "One teapot" in page.text and page.seen["title"] == "1"
            assert page.seen["title"] == "2", "this one fails"
        """
    )
    found = run(suite)
    found.assert_outcomes(passed=1, failed=1)
    assert here.posts == ["/buy"]
    found.stdout.fnmatch_lines(["*this one fails*", "*deskhand-artefacts*test_the_policy_holds*"])
    [kept] = (suite.path / "deskhand-artefacts").iterdir()
    [folder] = kept.iterdir()
    assert "test_the_policy_holds" in kept.name and (folder / "report.html").is_file()


def test_what_is_wrong_is_one_line_and_nothing_heavy_is_imported(suite: pytest.Pytester) -> None:
    (suite.path / "bad.yaml").write_text("version: 1\nname: bad\ngaol: x\n")
    suite.makepyfile(
        """
        import sys
        import pytest

        @pytest.mark.task("none.yaml")
        def test_not_there(): ...

        @pytest.mark.task("bad.yaml")
        def test_bad(): ...

        def test_without_a_marker(ran): ...

        def test_light():
            heavy = {"torch", "playwright", "pydantic", "PIL", "numpy", "cedarpy", "yaml"} & set(sys.modules)
            assert not heavy, heavy
            assert "agent.run" not in sys.modules
        """
    )
    found = run(suite)
    found.assert_outcomes(passed=1, failed=2, errors=1)
    found.stdout.fnmatch_lines_random(
        ["*there is no task file `none.yaml`*", "*bad.yaml:3:*unknown key*gaol*", "*`ran` needs the marker*"]
    )


def test_it_is_there_for_whoever_installs_the_package() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    module = importlib.import_module(told["deskhand"])
    assert {"agent_run", "surface", "ran"} <= set(module.__all__)
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:deskhand", "-p", "agent.testing.plugin", "--markers"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "@pytest.mark.task(file" in shown.stdout


@pytest.mark.slow
@pytest.mark.browser
def test_runs_as_values_and_other_outcomes_than_verified(suite: pytest.Pytester, here: Shop) -> None:
    here.task(suite.path, name="shop.yaml")
    suite.makepyfile(
        f"""
        import pytest

        @pytest.mark.task("shop.yaml", policy="observe", outcome="denied")
        def test_it_may_not_be_bought(ran):
            assert ran.exit_code == 20 and not ran

        @pytest.mark.task("shop.yaml", policy="observe")
        def test_this_fails(): ...

        def test_a_task_as_a_dict(agent_run):
            found = agent_run({{
                "surface": {{"browser": {{"start": "{here.url}"}}}},
                "policy": {{"preset": "browse", "narrow": {{"origins": ["{here.url.rstrip("/")}"]}}}},
                "steps": ["press More"],
                "success": [{{"kind": "node", "role": "heading", "name": "One teapot"}}],
            }})
            assert found.outcome == "verified", found

        def test_the_checks_judge_a_surface(surface):
            page = surface("shop.yaml")
            page.click("button", "Pay 89.00 EUR")
            assert page.shows("heading", "Booked")
            assert page.close()["outcome"] == "verified"
        """
    )
    found = run(suite, "--deskhand-artefacts", "kept")
    found.assert_outcomes(passed=3, failed=1)
    found.stdout.fnmatch_lines(["*shop.yaml: denied, not verified: *"])
    assert here.posts == ["/buy"] and len(list((suite.path / "kept").iterdir())) == 1
