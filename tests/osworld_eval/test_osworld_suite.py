"""OSWorld's folder as it is: everything that the generator can write is read, and everything wrong is told of."""

from __future__ import annotations

import copy
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osworld_eval.cli import main
from osworld_eval.osworld import vocabulary as say
from osworld_eval.osworld.assets import AssetError, Assets, cache_name
from osworld_eval.osworld.generate import write_suite
from osworld_eval.osworld.suite import Suite, SuiteError, read_suite

ID = "11111111-2222-4333-8444-555555555555"
GOOD: dict[str, Any] = {
    "id": ID,
    "snapshot": "libreoffice_calc",
    "instruction": "Sum up the column.",
    "source": "https://example.invalid/",
    "config": [
        {
            "type": "download",
            "parameters": {"files": [{"url": "https://example.invalid/a.xlsx", "path": "/home/user/a.xlsx"}]},
        },
        {"type": "open", "parameters": {"path": "/home/user/a.xlsx"}},
    ],
    "trajectory": "t",
    "related_apps": ["libreoffice_calc"],
    "evaluator": {
        "postconfig": [{"type": "sleep", "parameters": {"seconds": 0.5}}],
        "func": "compare_table",
        "result": {"type": "vm_file", "path": "/home/user/a.xlsx", "dest": "a.xlsx"},
        "expected": {"type": "cloud_file", "path": "https://example.invalid/gold.xlsx", "dest": "gold.xlsx"},
        "options": {"rules": [{"type": "sheet_data", "sheet_idx0": "RI0", "sheet_idx1": "EI0"}]},
    },
    "proxy": False,
}


def suite(folder: Path, told: Any = None, name: str = ID, domain: str = "libreoffice_calc") -> Suite:
    place = folder / "evaluation_examples" / "examples" / domain
    place.mkdir(parents=True, exist_ok=True)
    text = told if isinstance(told, str) else json.dumps(GOOD if told is None else told)
    (place / f"{name}.json").write_text(text)
    return read_suite(folder)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good task with something else at a path; None takes it away."""
    told: Any = copy.deepcopy(GOOD)
    at = told
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in above:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return dict(told)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_suite(tmp_path_factory.mktemp("osworld"))


def test_a_generated_suite_holds_every_word_and_nothing_in_it_is_broken(generated: Path) -> None:
    found = read_suite(generated)
    assert [one for one in found.problems if one.kind == "broken"] == []
    linux = [task for task in found.tasks if task.platform == "linux"]
    assert len(linux) == 369 and len(found.tasks) == 418
    steps = {step.type for task in linux for step in (*task.config, *task.evaluator.postconfig)}
    checks = [check for task in linux for check in task.evaluator.checks]
    getters = {one["type"] for check in checks for one in (check.result, check.expected) if one}
    assert steps == set(say.STEPS)
    assert getters == set(say.GETTERS)
    assert {check.func for check in checks} == {*say.METRICS, "infeasible"}
    assert {task.evaluator.conj for task in linux if task.evaluator.listed} == {"and", "or"}
    keys = {key for path in generated.glob("examples/*/*.json") for key in json.loads(path.read_text())}
    assert keys == say.KEYS
    assert {task.scoring for task in linux} == {"none", "light", "full"}


def test_the_same_suite_has_the_same_digest_wherever_it_lies(generated: Path, tmp_path: Path) -> None:
    again = write_suite(tmp_path)
    assert read_suite(again).digest == read_suite(tmp_path).digest == read_suite(generated).digest
    path = next(again.glob("examples/os/*.json"))
    path.write_text(path.read_text().replace("Made-up", "made-up"))
    assert read_suite(again).digest != read_suite(generated).digest


def test_a_task_is_read_as_it_is(tmp_path: Path) -> None:
    found = suite(tmp_path)
    (task,) = found.tasks
    assert (task.name, task.scoring, task.proxy, found.problems) == (f"libreoffice_calc/{ID}", "light", False, ())
    assert task.assets == ("https://example.invalid/a.xlsx", "https://example.invalid/gold.xlsx")
    assert task.evaluator.checks[0].options == GOOD["evaluator"]["options"]
    assert found.runnable == found.tasks


@pytest.mark.parametrize(
    ("told", "where", "what"),
    [
        ("{", "", "is no JSON"),
        ("[]", "", "expected a JSON object"),
        ("[" * 100_000, "", "nested too deep"),
        (changed("instruction", None), "instruction", "is missing"),
        (changed("evaluator", None), "evaluator", "is missing"),
        (changed("id", "other"), "id", "expected the file's own name"),
        (changed("proxy", "yes"), "proxy", "expected true or false"),
        (changed("config", {"type": "x"}), "config", "expected a list of steps"),
        (changed("config.1.type", "opne"), "config[1].type", "no setup step is called `opne`"),
        (changed("config.1.parameters", {}), "config[1].parameters.path", "is missing"),
        (changed("config.0.parameters.files", []), "config[0].parameters.files", "expected a list of files"),
        (changed("config.0.parameters.files.0.url", "file:///etc/passwd"), "config[0].parameters.files[0].url", "http"),
        (
            changed("evaluator.postconfig.0.parameters.seconds", "1"),
            "evaluator.postconfig[0].parameters.seconds",
            "number",
        ),
        (changed("evaluator.func", "compare_tabel"), "evaluator.func", "no metric is called `compare_tabel`"),
        (changed("evaluator.func", 5), "evaluator.func", "expected a metric's name"),
        (changed("evaluator.func", ["compare_table"]), "evaluator.result", "expected a list of 1"),
        (changed("evaluator.conj", "xor"), "evaluator.conj", "expected `and` or `or`"),
        (changed("evaluator.result.type", "vm_flie"), "evaluator.result.type", "no getter is called"),
        (changed("evaluator.result.dest", None), "evaluator.result.dest", "is missing"),
        (changed("evaluator.result.dest", "../a"), "evaluator.result.dest", "would leave the cache"),
        (changed("evaluator.result.multi", True), "evaluator.result.path", "as `multi` is set"),
        (changed("evaluator.options", []), "", ""),
        (changed("evaluator.options", [1]), "evaluator.options", "expected an object"),
    ],
)
def test_what_is_broken_is_told_of_with_its_place(told: Any, where: str, what: str, tmp_path: Path) -> None:
    found = suite(tmp_path, told)
    broken = [one for one in found.problems if one.kind == "broken"]
    if not what:
        assert broken == [] and len(found.tasks) == 1
        return
    assert any(one.where == where and what in one.what for one in broken), [str(one) for one in broken]
    assert found.tasks == () and all("\n" not in str(one) for one in broken)


def test_lists_are_as_long_as_their_metrics_and_hold_nothing_empty(tmp_path: Path) -> None:
    getter = GOOD["evaluator"]["result"]
    told = {"func": ["exact_match", "check_list"], "result": [getter, getter], "expected": [getter, {}], "conj": "or"}
    broken = [one for one in suite(tmp_path, changed("evaluator", told)).problems if one.kind == "broken"]
    assert [one.where for one in broken] == ["evaluator.expected[1]"]
    told = {"func": ["exact_match", "infeasible"], "result": [getter, getter]}
    broken = [one for one in suite(tmp_path, changed("evaluator", told)).problems if one.kind == "broken"]
    assert [one.where for one in broken] == ["evaluator.func[1]"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            changed("config.1", {"type": "login", "parameters": {"settings_file": "s", "platform": "googledrive"}}),
            "Google account",
        ),
        (changed("config.1", {"type": "replay", "parameters": {}}), "does not implement"),
        (changed("evaluator.result", {"type": "chrome_color_scheme"}), "is newer than"),
        (changed("evaluator.func", "check_play_and_exit"), "is newer than"),
    ],
)
def test_what_is_not_supported_is_told_of_with_its_reason_and_cannot_be_run(
    told: Any, why: str, tmp_path: Path
) -> None:
    found = suite(tmp_path, told)
    assert [one.kind for one in found.problems] == ["unsupported"] and why in found.problems[0].what
    assert len(found.tasks) == 1 and found.runnable == ()


def test_an_index_file_is_held_against_the_tasks(tmp_path: Path) -> None:
    suite(tmp_path)
    root = tmp_path / "evaluation_examples"
    (root / "test_all.json").write_text(json.dumps({"libreoffice_calc": [ID, "gone", ID, "onboard"]}))
    (root / "test_odd.json").write_text("[1]")
    found = read_suite(tmp_path)
    assert [(one.task, one.kind) for one in found.problems] == [
        ("test_all.json", "broken"),
        ("test_all.json", "note"),
        ("test_odd.json", "broken"),
    ]
    assert [task.id for task in found.listed("test_all")] == [ID]
    with pytest.raises(SuiteError, match="expected one of: test_all"):
        found.listed("test_none")


# The command


def test_the_check_lists_everything_before_anything_runs(
    generated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["osworld", "--check", str(generated), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tasks"] == 418 and told["broken"] == [] and told["runnable"] < 418
    assert {one["task"] for one in told["unsupported"]} >= {
        f"word/{one.stem}" for one in generated.glob("examples_windows/word/*.json")
    }
    assert main(["osworld", "--check", str(generated), "--index", "test_small", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"] == 20
    suite(tmp_path, changed("evaluator.func", "compare_tabel"))
    assert main(["osworld", "--check", str(tmp_path)]) == 1
    assert "no metric is called `compare_tabel`" in capsys.readouterr().out


def test_what_is_no_suite_is_a_line_and_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["osworld", "--check", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "is no OSWorld folder" in said and said.count("\n") == 1


def test_the_generator_writes_a_suite_and_not_over_one(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "osworld_eval.osworld.generate", str(tmp_path)]
    first = subprocess.run(words, capture_output=True, text=True, check=False)
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (first.returncode, again.returncode) == (0, 2) and again.stderr.count("\n") == 1


# Files


@pytest.fixture
def shelf() -> Iterator[tuple[str, dict[str, bytes], list[str]]]:
    """A server on loopback with files that can change."""
    files = {"/a.xlsx": b"one"}
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            data = files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("content-length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", files, asked
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_file_is_fetched_once_and_its_checksum_kept(
    shelf: tuple[str, dict[str, bytes], list[str]], tmp_path: Path
) -> None:
    address, files, asked = shelf
    url = f"{address}/a.xlsx"
    first = Assets(tmp_path).get(url)
    assert first.path.read_bytes() == b"one" and first.path.name == cache_name(url)
    assert Assets(tmp_path, offline=True).get(url) == first and asked == ["/a.xlsx"]
    files["/a.xlsx"] = b"two"
    first.path.unlink()
    with pytest.raises(AssetError, match="is another file than before"):
        Assets(tmp_path).get(url)
    assert not first.path.exists()
    first.path.write_bytes(b"three")
    with pytest.raises(AssetError, match="is not what was fetched"):
        Assets(tmp_path, offline=True).get(url)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([first.path.name, "checksums.json"])


def test_offline_fetches_nothing_and_says_what_is_missing(
    shelf: tuple[str, dict[str, bytes], list[str]], tmp_path: Path
) -> None:
    address, _, asked = shelf
    assets = Assets(tmp_path, offline=True)
    with pytest.raises(AssetError, match="nothing is fetched offline"):
        assets.get(f"{address}/a.xlsx")
    assert assets.missing([f"{address}/a.xlsx"] * 2) == (f"{address}/a.xlsx",) and asked == []


def test_what_cannot_be_fetched_is_one_line_and_leaves_nothing(
    shelf: tuple[str, dict[str, bytes], list[str]], tmp_path: Path
) -> None:
    address, _, asked = shelf
    with pytest.raises(AssetError, match="404") as refused:
        Assets(tmp_path).get(f"{address}/none")
    assert "\n" not in str(refused.value) and asked == ["/none"] and list(tmp_path.iterdir()) == []
    with pytest.raises(AssetError, match="no http or https"):
        Assets(tmp_path).get("file:///etc/passwd")


def test_names_in_the_cache_are_upstreams(tmp_path: Path) -> None:
    assert cache_name("https://example.invalid/x/a%20b.xlsx", "/home/user/a b.xlsx").endswith("_a b.xlsx")
    assert "/" not in cache_name("https://example.invalid/..%2f..%2fetc%2fpasswd")


def test_the_check_fills_a_cache(
    shelf: tuple[str, dict[str, bytes], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = changed("config.0.parameters.files.0.url", f"{shelf[0]}/a.xlsx")
    told["evaluator"]["expected"]["path"] = f"{shelf[0]}/gold.xlsx"
    suite(tmp_path, told)
    words = ["osworld", "--check", str(tmp_path), "--assets", str(tmp_path / "cache"), "--json"]
    assert main(words) == 1
    found = json.loads(capsys.readouterr().out)["assets"]
    assert (found["files"], found["bytes"], len(found["problems"])) == (1, 3, 1)
    shelf[1]["/gold.xlsx"] = b"gold"
    assert main(words) == 0 and main([*words, "--offline"]) == 0
