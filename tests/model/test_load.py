"""Names of models, and what happens when something is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model import load
from model.base import ModelError


def test_unknown_names_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model `gpt`, expected `pilot`"):
        load.load_model("gpt")
    with pytest.raises(ModelError, match="names no model"):
        load.load_model("https://example.org/v1")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load.load_model(tmp_path)


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "find_spec", lambda name: None if name == "llguidance" else object())
    with pytest.raises(ModelError, match=r"needs llguidance: pip install 'deskhand\[model\]'"):
        load.load_model(tmp_path)


def test_importing_is_light_and_silent() -> None:
    program = (
        "import sys, model.base, model.load, model.profile, model.scripted, model.protocols.computer_use\n"
        "print([name for name in ('torch', 'transformers', 'llguidance', 'numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_threads_are_told_to_sleep_only_while_torch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with load.sleeping_threads():
        assert os.environ["OMP_WAIT_POLICY"] == "passive"
    assert "OMP_WAIT_POLICY" not in os.environ
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    with load.sleeping_threads():
        assert os.environ["OMP_WAIT_POLICY"] == "active"
