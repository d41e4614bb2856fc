"""What the doctor finds."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent import doctor
from agent.doctor import Finding, examine, pilot_finding, python_finding, report, runs_finding


def test_the_whole_look_has_one_finding_for_each_thing(tmp_path: Path) -> None:
    found = examine(tmp_path / "runs")
    assert [finding.name for finding in found] == [
        "python", "packages", "extra model", "extra ask", "extra browser", "extra desktop", "extra console",
        "extra postgres", "extra android", "extra sites", "extra rows", "extra mcp", "chromium", "built-in model",
        "torch", "/dev/shm", "runs folder", "fonts", "adb", "Xvfb", "jwm", "bubblewrap", "soffice", "lxterminal",
        "thunar",
    ]  # fmt: skip
    assert not list(tmp_path.iterdir())
    assert all(finding.fix for finding in found if finding.state != "ok")


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, agent.doctor as d; d.examine(); print([m for m in ('torch', 'transformers', 'playwright', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_old_python_is_missing_a_version() -> None:
    assert python_finding((3, 12)) == Finding("python", "ok", "3.12")
    assert python_finding((3, 9)).state == "missing"


def test_an_extra_names_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.EXTRAS, "browser", ("json", "nowhere_to_be_found"))
    monkeypatch.setitem(doctor.EXTRAS, "android", ("nowhere.to_be_found",))
    told = "not installed: nowhere_to_be_found"
    assert doctor.extra_finding("browser") == Finding("extra browser", "missing", told, "pip install -e '.[browser]'")
    assert doctor.extra_finding("android").state == "warn"


def test_no_browser_is_missing_and_playwrights_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert doctor.chromium_finding().fix == "python -m playwright install chromium"
    own = tmp_path / "chromium-1234" / "chrome-linux" / "chrome"
    own.parent.mkdir(parents=True)
    own.touch()
    assert doctor.chromium_finding() == Finding("chromium", "ok", str(own))


def test_the_built_in_model_is_whole_or_it_is_said_what_is_not(tmp_path: Path) -> None:
    assert pilot_finding(tmp_path).detail == f"no weights and config.json in {tmp_path}"
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert pilot_finding(tmp_path).detail == "model.safetensors is a pointer and not the file itself"
    weights.write_bytes(b"x" * 2000)
    assert pilot_finding(tmp_path).state == "ok"
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{hashlib.sha256(b'x' * 2000).hexdigest()}  model.safetensors\n")
    assert pilot_finding(tmp_path) == Finding("built-in model", "ok", "all files as published")
    sums.write_text(f"{'0' * 64}  model.safetensors\n{'0' * 64}  gone.json\n")
    assert pilot_finding(tmp_path).detail == "missing or altered: model.safetensors, gone.json"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert runs_finding(tmp_path / "a" / "b").state == "ok"
    (tmp_path / "file").touch()
    assert runs_finding(tmp_path / "file" / "runs").state == "missing"


def test_the_report_prints_the_mending_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Finding("a", "ok", "fine"), Finding("long", "missing", "gone", "mend")]
    monkeypatch.setattr(doctor, "examine", lambda runs: found)
    assert report() == 1
    assert capsys.readouterr().out == "ok       a     fine\nmissing  long  gone\n               mend it: mend\n"
    assert report(as_json=True) == 1
    assert json.loads(capsys.readouterr().out)[1]["fix"] == "mend"
    monkeypatch.setattr(doctor, "examine", lambda runs: found[:1])
    assert report() == 0
