"""Habits of the package that a reviewer would otherwise have to watch."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import policies

HERE = Path(policies.__file__).parent
MODULES = sorted(f"policies.{one.name}" for one in pkgutil.iter_modules([str(HERE)]))


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_promises_is_there(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__ and all(hasattr(module, one) for one in module.__all__)


def test_importing_does_nothing_and_brings_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("torch", "numpy", "PIL", "playwright")
    script = f"import sys, {', '.join(MODULES)}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == ("[]\n", "", [])


def test_the_broker_client_does_not_load_the_engine() -> None:
    script = "import sys, policies.gate; print('cedarpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(HERE.parent)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_permits_are_made_in_one_place_and_read_in_one() -> None:
    makers = [path.name for path in HERE.glob("*.py") if " Permit(" in path.read_text()]
    assert sorted(makers) == ["keeper.py", "wire.py"]


def test_every_file_is_told_in_the_readme() -> None:
    told = (HERE / "README.md").read_text()
    assert [path.name for path in HERE.glob("*.py") if f"`{path.stem}`" not in told and path.stem != "__init__"] == []
