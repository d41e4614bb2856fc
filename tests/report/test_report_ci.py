from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from sample_run import GOAL, Signer, about, make_crash, make_run, plain

from agent.audit.spans import Trail
from agent.outcome import Ending
from agent.report.ci import GITLAB_REPORT, Told, findings, github, gitlab, junit, tell_build, unfit_form
from agent.run_folder import RunFolder

GOOD = Ending("verified", "all 1 checks hold")
BAD = Ending("denied", "no-paid-extras: 50 % over, so\nno")
TASK = Path("tasks/book_flight.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_run(tmp_path_factory.mktemp("runs"))


def test_junit_has_a_case_for_the_run_and_one_for_each_check(run: RunFolder) -> None:
    root = ET.fromstring(junit(GOOD, run, "book_flight", 12.3456))
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "2", "0", "0")
    [suite] = root
    assert (suite.get("name"), suite.get("time")) == ("book_flight", "12.346")
    assert [case.get("name") for case in suite.iter("testcase")] == ["run", "check text: contains Booking confirmed"]
    told = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert told["run"] == run.id and told["output.reference"] == '"K7QX2M"'
    assert "warning: step 6: refused" in (suite.findtext(".//system-out") or "")


@pytest.mark.parametrize(
    ("ending", "tag", "failures", "errors"),
    [
        (BAD, "failure", "1", "0"),
        (Ending("error", "x"), "error", "0", "1"),
        (Ending("halted", "x"), "failure", "1", "0"),
    ],
)
def test_junit_says_how_it_failed(run: RunFolder, ending: Ending, tag: str, failures: str, errors: str) -> None:
    root = ET.fromstring(junit(ending, run, "t", 1.0))
    assert (root.get("failures"), root.get("errors")) == (failures, errors)
    [found] = root.iter(tag)
    assert (found.get("type"), found.get("message")) == (ending.outcome, ending.because)


def test_what_xml_cannot_hold_is_replaced(tmp_path: Path) -> None:
    evil = 'x\x00\x1b[31m\ud800<&"]]>\ufffe'
    folder, signer = RunFolder.create(tmp_path, "t"), Signer()
    with Trail.start(folder, about(evil, evil), signer.sign, signer.public, plain) as trail:
        with trail.step(0), trail.phase("check", check=evil, passed=False, detail=evil):
            pass
        trail.end("denied", 20, detail=evil, outputs={evil: evil})
    root = ET.fromstring(junit(Ending("denied", evil), folder, evil, 1.0))
    assert [one.get("message") for one in root.iter("failure")] == ['x��[31m�<&"]]>�', 'x��[31m?<&"]]>�']


def test_a_run_that_never_began_is_told_too() -> None:
    root = ET.fromstring(junit(Ending("error", "no model"), None, "t", 0.0))
    assert root.get("errors") == "1" and [one.level for one in findings(Ending("error", "no model"), None)] == ["error"]


def test_github_is_told_in_its_own_form(run: RunFolder) -> None:
    lines = github(findings(BAD, run), TASK)
    assert lines[0] == ("::error file=tasks/book_flight.yaml,line=1,title=denied::no-paid-extras: 50 %25 over, so%0Ano")
    assert any(line.startswith("::warning") and "title=step 6%3A refused::" in line for line in lines)
    assert all("\n" not in line for line in lines)
    assert github(findings(GOOD, run), TASK)[0].startswith("::notice ")


def test_a_screen_cannot_give_the_build_a_command(tmp_path: Path) -> None:
    folder, signer = RunFolder.create(tmp_path, "t"), Signer()
    evil = "x\n::set-output name=a::b\r\n::error::c"
    with Trail.start(folder, about(), signer.sign, signer.public, plain) as trail:
        with trail.step(0):
            trail.event("gui.anomaly", {"anomaly": "orders", "treatment": "note"}, body=evil)
        trail.end("denied", 20)
    lines = "\n".join(github(findings(Ending("denied", evil), folder), TASK)).splitlines()
    assert len(lines) == 2 and all(line.startswith(("::error file=", "::warning file=")) for line in lines)


def test_gitlab_is_told_in_its_own_form(run: RunFolder) -> None:
    rows = json.loads(gitlab(findings(BAD, run), TASK))
    assert rows[0] == {
        "description": f"denied: {BAD.because}",
        "check_name": "deskhand",
        "fingerprint": rows[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "tasks/book_flight.yaml", "lines": {"begin": 1}},
    }
    assert len({row["fingerprint"] for row in rows}) == len(rows) > 1
    assert [row["severity"] for row in json.loads(gitlab(findings(GOOD, run), TASK))] == ["minor"]


def test_a_crash_in_an_act_is_an_error(tmp_path: Path) -> None:
    found = findings(Ending("unknown_effect", "x"), make_crash(tmp_path))
    assert ("error", "step 3: effect unknown") in [(one.level, one.title) for one in found]


def test_what_was_asked_for_is_written(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    told, out = Told(GOOD, run, TASK, "book_flight", 1.0), io.StringIO()
    tell_build(told, tmp_path / "deep" / "j.xml", "gitlab", out)
    assert ET.parse(tmp_path / "deep" / "j.xml").getroot().tag == "testsuites"
    assert json.loads(GITLAB_REPORT.read_text())[0]["check_name"] == "deskhand" and out.getvalue() == ""
    tell_build(told, None, "github", out)
    assert out.getvalue().startswith("::notice ")
    tell_build(told, tmp_path / "deep", "", out)
    assert capsys.readouterr().err == f"agent run: cannot write `{tmp_path / 'deep'}`: is a directory\n"
    assert unfit_form("github") == unfit_form("") == "" and "got `jenkins`" in unfit_form("jenkins")
    assert GOAL not in out.getvalue()


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"annotations": "jenkins"}, "--annotations takes github or gitlab, got `jenkins`"),
        ({"otlp": "localhost:4317"}, "--otlp takes http://HOST:4318 or grpc://HOST:4317"),
    ],
)
def test_what_a_build_cannot_be_told_is_a_mistake_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, str], line: str
) -> None:
    from agent.run import Options, run_task

    assert run_task(Options(TASK, runs=tmp_path / "runs", approve="deny", **more)) == 2  # type: ignore[arg-type]
    assert capsys.readouterr().err.startswith(line) and not (tmp_path / "runs").exists()


def test_each_check_is_a_case_whose_name_does_not_change_with_how_it_goes(tmp_path: Path) -> None:
    signer, names = Signer(), []
    for passed in (True, False):
        folder = RunFolder.create(tmp_path, f"t{passed}")
        with Trail.start(folder, about(), signer.sign, signer.public, plain) as trail:
            with trail.step(0), trail.phase("check") as span:
                for name, ok in (("text: contains Booked", passed), ("url: prefix /done", True)):
                    trail.event("gui.check", {"check": name, "passed": ok, "detail": f"it is {ok}"}, "said")
                span.set(check="2 checks", passed=passed, detail="" if passed else "it is False")
            trail.end("verified" if passed else "done_unverified", 0 if passed else 10, steps=1)
        root = ET.fromstring(junit(Ending("verified" if passed else "done_unverified", "x"), folder, "t", 1.0))
        names.append([case.get("name") for case in root.iter("testcase")])
        failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
        assert failed == ([] if passed else ["run", "check text: contains Booked"])
    assert names[0] == names[1] == ["run", "check text: contains Booked", "check url: prefix /done"]
