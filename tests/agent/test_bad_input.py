"""What a person can get wrong, by the real command: one clear line, the right exit code, no traceback."""

from __future__ import annotations

import json
import resource
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from procs import BOOK, ROOT, agent, command, environment, run, shop

from agent.earlier import consequential
from agent.run_folder import RunFolder, list_runs

TINY = """version: 1
name: tiny
goal: Look.
surface: {browser: {start: "http://127.0.0.1:PORT/"}}
inputs: {city: {type: string, default: Rome}}
secrets: {card: {env: DEMO_CARD, origins: ["http://127.0.0.1:PORT"], fields: [cc-number]}}
policy: {preset: observe, narrow: {origins: ["http://127.0.0.1:PORT"]}}
steps: [press Search]
success: [{kind: text, contains: Done}]
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def task(folder: Path, *changes: tuple[str, str]) -> Path:
    text = TINY.replace("PORT", str(free_port()))
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path


def one_line(err: str, said: str) -> None:
    assert "Traceback" not in err and said in err, err
    assert len(err.strip().splitlines()) == 1, err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((("goal: Look.", "goal: [unclosed"),), "tiny.yaml:"),
        ((("goal: Look.", "goal: Look.\ngoals: Look."),), "did you mean `goal`?"),
        ((("version: 1", "version: 7"),), "version"),
        ((("kind: text", "kind: txt"),), "did you mean `text`?"),
        ((("[press Search]", "['press {{town}}']"),), "town"),
    ],
)
def test_a_task_that_is_wrong(tmp_path: Path, changes: tuple[tuple[str, str], ...], said: str) -> None:
    found = run(task(tmp_path, *changes), tmp_path / "runs")
    assert found.code == 2
    one_line(found.err, said)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--set", "town=Bern"), "unknown input `town`"),
        (("--set", "city"), "name=value"),
        (("--approve", "robot"), "--approve takes one of auto, tty, console, deny, got `robot`"),
        (("--policy", "bookng"), "bookng"),
        (("--policy", "/nowhere/x.cedar"), "/nowhere/x.cedar"),
        (("--site", "mischief=x"), "no `site` block"),
    ],
)
def test_an_option_that_is_wrong(tmp_path: Path, more: tuple[str, str], said: str) -> None:
    found = run(task(tmp_path), tmp_path / "runs", *more)
    assert found.code == 2 and "Traceback" not in found.err and said in " ".join(found.err.split())
    if "name=value" not in said:  # the command line's own errors show its usage too
        one_line(found.err, said)
    assert list_runs(tmp_path / "runs") == []
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(
    "text", ["permit (principal", 'permit (principal, action, resource) when { context.no == "x" };']
)
def test_a_policy_that_is_wrong(tmp_path: Path, text: str) -> None:
    rules = tmp_path / "mine.cedar"
    rules.write_text(text)
    found = run(task(tmp_path), tmp_path / "runs", "--policy", str(rules))
    assert found.code == 2
    one_line(found.err, "mine.cedar")
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("setting", ["mischief=nonsense", "layout=spiral", "colour=red", "seed=many"])
def test_a_site_setting_that_is_wrong(tmp_path: Path, setting: str) -> None:
    found = run(BOOK, tmp_path / "runs", "--site", setting)
    assert found.code in (1, 2)
    one_line(found.err, setting.split("=")[0 if setting.startswith(("colour", "seed")) else 1])


def test_a_missing_secret(tmp_path: Path) -> None:
    found = run(task(tmp_path), tmp_path / "runs", DEMO_CARD="")
    assert found.code == 2
    one_line(found.err, "DEMO_CARD")


def test_a_missing_task_file(tmp_path: Path) -> None:
    found = run(tmp_path / "none.yaml", tmp_path / "runs")
    assert found.code == 2
    one_line(found.err, "none.yaml: there is no such file")


@pytest.mark.browser
def test_a_site_that_does_not_answer(tmp_path: Path) -> None:
    found = run(task(tmp_path), tmp_path / "runs")
    assert found.code == 1
    one_line(found.err, "is the site running?")
    assert (found.last["outcome"], found.record["outcome"]) == ("error", "error")
    assert found.verdict.ok and found.verdict.closed and Path(found.last["report"]).is_file()


@pytest.mark.parametrize("chromium", ["/nonexistent", "/etc/passwd"])
def test_no_chromium(tmp_path: Path, chromium: str) -> None:
    found = run(task(tmp_path), tmp_path / "runs", AGENT_CHROMIUM=chromium)
    assert found.code == 1
    one_line(found.err, "AGENT_CHROMIUM")
    assert found.record["outcome"] == "error" and found.verdict.ok


def test_no_chromium_on_the_path(tmp_path: Path) -> None:
    found = run(
        task(tmp_path), tmp_path / "runs", PATH=str(tmp_path), AGENT_CHROMIUM="", PLAYWRIGHT_BROWSERS_PATH="/no"
    )
    assert found.code == 1
    one_line(found.err, "no Chromium: install one")


@pytest.mark.parametrize("kind", ["missing", "a file", "empty", "cut", "address"])
def test_a_checkpoint_that_is_none(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "model"
    if kind == "a file":
        place.write_text("x")
    elif kind != "missing":
        place.mkdir()
    if kind == "cut":
        (place / "config.json").write_text(json.dumps({"model_type": "qwen3_vl", "architectures": ["X"]}))
        (place / "model.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    name = "http://127.0.0.1:1/v1" if kind == "address" else str(place)
    found = agent("run", task(tmp_path), "--model", name, "--runs", tmp_path / "runs", "--approve", "deny")
    assert found.code == 1
    one_line(found.err, "agent run: ")
    assert not (tmp_path / "runs").exists()


def test_a_run_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = run(task(tmp_path), tmp_path / "file" / "runs")
    assert found.code == 1
    one_line(found.err, "cannot write the run folder")
    assert found.last["outcome"] == "error"


def cramped(bytes_: int) -> None:
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))


@pytest.mark.browser
def test_a_journal_that_may_not_grow(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: writing fails in the middle of the run."""
    with shop() as store:
        arguments = ["run", str(store.task(tmp_path)), "--model", "plan", "--runs", str(tmp_path / "runs"), "--json"]
        done = subprocess.run(
            command([*arguments, "--approve", "deny"]),
            env=environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            preexec_fn=lambda: cramped(9_000),
        )
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["outcome"] == "error"
        assert store.posts == []


@pytest.mark.browser
def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "x", disk], capture_output=True).returncode
    ):
        pytest.skip("no file system can be mounted here")
    try:
        with shop() as store:
            found = run(store.task(tmp_path), disk)
            assert found.code == 1 and "Traceback" not in found.err
            assert "free some space" in found.err and found.last["outcome"] == "error"
            [folder] = [one for one in disk.iterdir() if one.is_dir()]
            assert len(store.posts) <= len(list(consequential(RunFolder(folder))))
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    "arguments",
    [("view", "nosuch", "--no-open"), ("audit", "verify", "nosuch"), ("policy", "explain", "nosuch", "1")],
)
def test_a_run_that_is_not_there(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    found = agent(*arguments, "--runs", tmp_path / "runs")
    assert found.code == 2
    one_line(found.err, "there are no runs")


def test_a_trail_that_is_empty(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b"")
    found = agent("audit", "verify", tmp_path)
    assert found.code == 1 and "Traceback" not in found.err + found.out


def test_an_unknown_command() -> None:
    found = agent("rn")
    assert found.code == 2 and "Traceback" not in found.err and "rn" in found.err
