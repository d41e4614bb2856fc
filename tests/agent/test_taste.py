"""Rules of the house that no type can say, checked on the shipped code itself."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from actuators.action import Action
from model.base import Move

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sandboxes", "actuators", "policies", "model", "agent", "osworld_eval")
HEAVY = (
    "torch",
    "transformers",
    "playwright",
    "numpy",
    "PIL",
    "Xlib",
    "mss",
    "pyautogui",
    "adbutils",
    "ray",
    "fastapi",
)
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


def short(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def clean_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_does_nothing(package: str, tmp_path: Path) -> None:
    code = f"import sys, threading, {package}\nassert threading.active_count() == 1\n"
    code += f"heavy = {HEAVY!r}\nfound = [n for n in heavy if n in sys.modules]\nassert not found, found"
    done = clean_python(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


LIGHT = (
    *("agent.cli", "agent.run", "agent.loop", "agent.turn", "agent.wire_up", "agent.task", "agent.plan"),
    *("agent.earlier", "agent.report.page", "policies.gate", "policies.broker", "policies.keeper", "policies.secrets"),
    *("actuators.browser", "actuators.observation", "actuators.permit", "sandboxes.chromium"),
    *("model.base", "model.load", "model.scripted", "model.planned"),
)


def test_what_a_run_is_made_of_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys\nfor name in {LIGHT!r}: __import__(name)\n"
    code += f"found = [n for n in {HEAVY!r} if n in sys.modules]\nassert not found, found"
    done = clean_python(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


COMMANDS = ("run", "demo", "ask", "view", "doctor", "eval", "task", "audit", "policy", "bench", "model")


def test_help_lists_every_command_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys\nsys.argv = ['agent', '--help']\nfrom agent.cli import main\n"
    code += "try:\n    main()\nexcept SystemExit as end:\n"
    code += "    assert not end.code, end.code\n"
    code += f"found = [n for n in (*{HEAVY!r}, 'pydantic', 'cedarpy', 'cryptography', 'rich') if n in sys.modules]\n"
    code += "assert not found, found"
    done = clean_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert [name for name in COMMANDS if f" {name} " not in done.stdout] == []


def calls(of: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called."""
    for node in ast.walk(of):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_permits_are_made_in_one_place() -> None:
    """`policies/wire.py` only reads what the keeper sent; measuring the trail needs something to write down."""
    made = {short(file) for file in FILES for name, _ in calls(tree(file)) if name.split(".")[-1] == "Permit"}
    assert made == {"policies/keeper.py", "policies/wire.py", "agent/audit/measure.py"}


def test_nothing_signs_but_the_broker() -> None:
    signs = {short(file) for file in FILES for name, _ in calls(tree(file)) if name.endswith("PrivateKey.generate")}
    allowed = {"policies/keeper.py", "agent/audit/measure.py", "agent/bench.py", "policies/measure.py"}
    allowed |= {"agent/store/keys.py"}  # for whoever answers, not for a run
    allowed |= {"policies/approver.py"}  # the second signature, in the broker's process
    assert "policies/keeper.py" in signs and signs <= allowed


OFFERS_A_SHELL = {"sandboxes/guest_inside.py", "sandboxes/guest_server.py"}
"""The other side of the guest protocol, whose callers send programs: behind a token, in a jail that can be thrown away."""


def test_no_text_becomes_code_or_a_shell_line() -> None:
    never = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput", "pickle.loads"}
    found = []
    for file in FILES:
        if short(file) in OFFERS_A_SHELL:
            continue
        for name, call in calls(tree(file)):
            shell = any(k.arg == "shell" and not _is(k.value, False) for k in call.keywords)
            if name in never or shell or name in ("yaml.load", "yaml.unsafe_load", "pickle.load"):
                found.append(f"{short(file)}:{call.lineno}: {name}")
    assert found == []


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


ACTIONS = {kind.__name__ for kind in get_args(get_args(Action)[0])}
MOVES = {kind.__name__ for kind in get_args(Move)}


def ladders(of: ast.AST) -> Iterator[tuple[ast.Match, set[str]]]:
    """Every `match` over classes, with the classes' names."""
    for node in ast.walk(of):
        if isinstance(node, ast.Match):
            named = {ast.unparse(each.cls) for each in ast.walk(node) if isinstance(each, ast.MatchClass)}
            if named:
                yield node, named


def closed(ladder: ast.Match, named: set[str], union: set[str]) -> bool:
    """It ends in `_`, or names every member, so that the type checker sees a missing one."""
    last = ladder.cases[-1].pattern
    return (isinstance(last, ast.MatchAs) and last.pattern is None) or named >= union


def test_every_ladder_over_actions_and_moves_is_closed() -> None:
    found, seen = [], 0
    for file in FILES:
        for ladder, named in ladders(tree(file)):
            union = ACTIONS if named & ACTIONS else MOVES if named & MOVES else None
            if union is None or len(named & union) * 2 < len(union):  # picks a few out, and says nothing of the rest
                continue
            seen += 1
            if not closed(ladder, named, union):
                found.append(f"{short(file)}:{ladder.lineno}: {', '.join(sorted(union - named))} can fall through")
    assert found == [] and seen > 3


def modules() -> list[str]:
    found = []
    for package in PACKAGES:
        found.append(package)
        where = str(ROOT / package)
        found += [one.name for one in pkgutil.walk_packages([where], f"{package}.") if "__main__" not in one.name]
    return found


def exported(file: Path) -> list[str] | None:
    for node in tree(file).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def made(file: Path) -> set[str]:
    """Every name at the top of a module: defined, assigned or imported there."""
    found: set[str] = set()
    for node in tree(file).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.With):  # imports under a condition that holds only meanwhile
            found |= {
                a.asname or a.name for each in ast.walk(node) if isinstance(each, ast.ImportFrom) for a in each.names
            }
        else:
            found |= {
                each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
    return found


def test_all_is_true_for_every_module() -> None:
    wrong = []
    for file in FILES:
        names = exported(file)
        wrong += [f"{short(file)}: `{name}` is not there" for name in names or () if name not in made(file)]
    assert wrong == []


@pytest.mark.slow
def test_every_module_can_be_imported() -> None:
    for name in modules():
        if not name.startswith("osworld_eval.osworld.scoring.inside."):  # runs in an environment of its own
            importlib.import_module(name)


def test_the_loop_fits_on_one_screen() -> None:
    assert len((ROOT / "agent" / "loop.py").read_text().splitlines()) <= 60


def test_importing_the_broker_needs_no_secrets() -> None:
    """The broker's process is started with an environment of its own making."""
    from policies.broker import _PASSED_ON

    assert not [name for name in _PASSED_ON if "CARD" in name or "TOKEN" in name or "KEY" in name]
