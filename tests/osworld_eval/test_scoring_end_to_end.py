"""Upstream's own evaluators in their jail. They are installed by `agent eval osworld-scoring`; without them this skips."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scoring_stage import score_of, write

from osworld_eval.osworld.scoring import malice, parity
from osworld_eval.osworld.scoring.cases import HOME, TREE, Case, all_cases, gold, line, rule, vm
from osworld_eval.osworld.scoring.install import Environment, EnvironmentMissing, environment, install
from osworld_eval.osworld.scoring.parity import Stage, compare, stage
from osworld_eval.osworld.scoring.score import Scorer
from sandboxes.chromium import find_chromium
from sandboxes.jail import what_is_missing


def _environment() -> tuple[Environment | None, str]:
    try:
        return environment(), what_is_missing()
    except EnvironmentMissing as problem:
        return None, str(problem)


WHERE, WHY = _environment()
needs_evaluators = pytest.mark.skipif(bool(WHY), reason=WHY or "-")


@pytest.fixture(scope="module")
def on() -> Iterator[Stage]:
    with stage() as made:
        write(made, "a.txt", "one\ntwo\n")
        write(made, "b.txt", "one\n")
        write(made, "mail.txt", "From - Mon\nSubject: a\n\nhi\n")
        write(made, "other-mail.txt", "From - Mon\nSubject: b\n\nhi\n")
        yield made


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    with Scorer(retry_s=0, keep=50) as made:
        yield made


def same(made: str, **more: Any) -> Case:
    evaluator = {"func": "compare_text_file", "result": vm("r.txt"), "expected": gold("a.txt"), **more}
    return Case(f"{made} {json.dumps(more)}", evaluator, files={f"{HOME}/r.txt": made} if made else {})


@needs_evaluators
def test_a_file_of_the_guest_is_compared_with_one_that_is_downloaded(on: Stage, scorer: Scorer) -> None:
    on.guest.token = "a-token"
    right, wrong, missing = (score_of(scorer, on, same(made)) for made in ("a.txt", "b.txt", ""))
    assert (right.value, wrong.value, missing.value) == (1.0, 0.0, 0.0)
    assert right.error is None and right.reason.startswith("compare_text_file")
    assert "Failed to get file" in missing.reason


@needs_evaluators
def test_post_configuration_is_carried_out_before_anything_is_fetched(on: Stage, scorer: Scorer) -> None:
    steps = [{"type": "sleep", "parameters": {"seconds": 1}}]
    seen: list[Any] = []

    def postconfig(given: Any) -> None:
        seen.append(([step.type for step in given], list(on.guest.asked)))

    on.guest.asked.clear()
    assert score_of(scorer, on, same("a.txt", postconfig=steps), postconfig=postconfig).value == 1.0
    assert seen == [(["sleep"], [])] and "POST /file" in on.guest.asked


@needs_evaluators
def test_what_upstream_breaks_on_is_an_error_of_the_same_kind_and_no_score(on: Stage, scorer: Scorer) -> None:
    write(on, "bytes.txt", bytes(range(256)))
    found = score_of(scorer, on, same("bytes.txt"))
    assert found.value is None and str(found.error).startswith("upstream's evaluator broke: UnicodeDecodeError")


@needs_evaluators
@pytest.mark.parametrize(
    ("name", "case", "before", "after"),
    [
        (
            "quotes-in-json",
            Case("apostrophe", {"func": "check_direct_json_object", "result": line("tell"),
                                "expected": rule({"expected": {"a": "it's"}})}, outputs={"tell": '{"a": "it\'s"}'}),
            None, 1.0,
        ),
        (
            "eval-of-guest-text",
            Case("runs", {"func": "check_gnome_favorite_apps", "result": line("gsettings"),
                          "expected": rule({"expected": ["a", "a"]})}, outputs={"gsettings": "['a'] * 2"}),
            1.0, None,
        ),
        (
            "missing-is-error",
            Case("no tree", {"func": "check_accessibility_tree", "result": {"type": "accessibility_tree"},
                             "expected": rule([{"xpath": "//a"}])}),
            None, 0.0,
        ),
        (
            "folder-never-read",
            Case("mail", {"func": "check_thunderbird_folder", "result": vm("a.txt"), "expected": gold("mail.txt")},
                 files={f"{HOME}/a.txt": "other-mail.txt"}),
            1.0, 0.0,
        ),
        (
            "or-after-missing",
            Case("or", {"func": ["exact_match"] * 2, "conj": "or",
                        "result": [{"type": "conference_city_in_order", "csv_path": "/none"}, rule("a")],
                        "expected": [rule({"expected": 1}), rule({"expected": "a"})]}),
            None, 1.0,
        ),
    ],
)  # fmt: skip
def test_a_known_bug_is_kept_unless_it_is_named(
    name: str, case: Case, before: float | None, after: float | None, on: Stage, scorer: Scorer
) -> None:
    assert score_of(scorer, on, case).value == before
    assert score_of(scorer, on, case, mended=frozenset({name})).value == after


@needs_evaluators
def test_what_the_light_set_lacks_is_said_and_is_no_score(on: Stage, scorer: Scorer) -> None:
    if WHERE is not None and WHERE.level == "full":
        pytest.skip("the full set is installed")
    write(on, "a.png", b"\x89PNG")
    case = Case(
        "pictures",
        {"func": "compare_pdfs", "result": vm("a.png"), "expected": gold("a.png")},
        files={f"{HOME}/a.png": "a.png"},
    )
    found = score_of(scorer, on, case)
    assert found.value is None and "it needs the full set (fitz); try:" in str(found.error)


@needs_evaluators
def test_files_that_the_setup_saved_are_there_and_links_among_them_are_not(
    on: Stage, scorer: Scorer, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("x")
    case = Case(
        "saved",
        {"func": "check_list", "result": {"type": "cache_file", "path": "link"}, "expected": rule({"expect": ["x"]})},
    )
    cache = on.cache(case)
    (cache / "link").symlink_to(tmp_path / "secret")
    (cache / "saved").write_text("x")
    told: dict[str, Any] = {"failed": False, "postconfig": lambda steps: None}
    asked = (on.guest.address, on.guest.token, cache, on.assets)
    assert "AssertionError" in str(scorer.score(on.task(case), *asked, **told).error)
    case = Case("saved 2", {**case.evaluator, "result": {"type": "cache_file", "path": "saved"}})
    assert scorer.score(on.task(case), *asked, **told).value == 1.0
    assert (tmp_path / "secret").read_text() == "x" and sorted(one.name for one in cache.iterdir()) == ["link", "saved"]


@needs_evaluators
def test_a_jail_that_ended_while_it_waited_is_made_anew(on: Stage, scorer: Scorer) -> None:
    assert scorer._next is not None
    scorer._next.cell.close()
    assert score_of(scorer, on, same("a.txt")).value == 1.0


@pytest.fixture
def driven(on: Stage, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A Chromium with one page, and the port that it is driven at."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on this machine")
    write(on, "page.html", "<title>Hello</title><h1>Big</h1>")
    page = f"{on.shop.address}/shared/page.html"
    words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    with (tmp_path / "said").open("wb") as said:
        run = subprocess.Popen([*words, f"--user-data-dir={tmp_path}/profile", page], stdout=said, stderr=said)
    try:
        until = time.monotonic() + 60
        while not (found := re.search(r"ws://127\.0\.0\.1:(\d+)/", (tmp_path / "said").read_text(errors="replace"))):
            assert run.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        yield page, int(found[1])
    finally:
        run.terminate()
        run.wait(20)


@needs_evaluators
@pytest.mark.slow
@pytest.mark.browser
def test_the_guests_browser_is_driven_from_within_the_jail(on: Stage, driven: tuple[str, int]) -> None:
    page, port = driven
    tabs = Case("tabs", {"func": "is_expected_tabs", "result": {"type": "open_tabs_info"},
                         "expected": rule({"type": "url", "urls": [page]})})  # fmt: skip
    text = Case("text", {"func": "is_added_to_steam_cart", "result": {"type": "page_info", "url": page},
                         "expected": rule({"items": ["Big"]})})  # fmt: skip
    other = Case("other", {**text.evaluator, "expected": rule({"items": ["Small"]})})
    with Scorer(retry_s=0) as alone:
        found = [score_of(alone, on, case, ports={"chromium": port}) for case in (tabs, text, other)]
    assert [one.value for one in found] == [1.0, 1.0, 0.0], found


@needs_evaluators
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ours_is_what_upstreams_functions_say_for_every_case() -> None:
    assert WHERE is not None
    cases = [case for case in all_cases() if WHERE.level == "full" or not case.full]
    differ = [one for one in compare(WHERE, cases) if not one.equal]
    assert not differ and len(cases) >= 150


@needs_evaluators
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_would_hurt_whoever_scores_it_scores_nothing_and_changes_nothing() -> None:
    assert WHERE is not None
    found = list(malice.try_all(WHERE))
    assert [one for one in found if not one.held] == [] and len(found) > 30


@needs_evaluators
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_python_file_that_says_it_passed_is_upstreams_flaw_and_ends_with_its_own_task(on: Stage) -> None:
    write(on, "solution.py", "import sys\nsys.modules['__main__'].math.isfinite = lambda number: True\ndone = True\n")
    write(on, "test.py", "import solution\n\ndef test():\n    return solution.done\n")
    told = {"func": "check_python_file_by_test_suite", "result": vm("solution.py"), "expected": gold("test.py", "t.py")}
    with Scorer(retry_s=0) as alone:
        assert score_of(alone, on, Case("forged", told, files={f"{HOME}/solution.py": "solution.py"})).value == 1.0
        assert [score_of(alone, on, same(made)).value for made in ("a.txt", "b.txt")] == [1.0, 0.0]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_environment_is_made_by_one_command_and_scores(tmp_path: Path) -> None:
    try:
        made = install(tmp_path / "made")
    except EnvironmentMissing as problem:
        pytest.skip(str(problem))
    assert install(tmp_path / "made") == made and made.level == "light"
    case = Case("tree", {"func": "check_left_panel", "result": {"type": "accessibility_tree"}}, tree=TREE)
    with stage() as on, Scorer(made.folder, retry_s=0) as scorer:
        assert score_of(scorer, on, case).value == 1.0


@needs_evaluators
def test_the_commands_say_what_is_missing_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for main in (parity.main, malice.main):
        assert main(["--from", str(tmp_path)]) == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1 and "are not installed here" in said.err
