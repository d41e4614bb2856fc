"""Does our path give what upstream's functions give? `python -m osworld_eval.osworld.scoring.parity`.

Each case goes twice: through the jail and its line, and to upstream's functions called as they are, on the same Python.
A score must be the same number; where upstream breaks, ours must be an error of the same kind.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.scoring.cases import SHARED, Case, all_cases, write_texts
from osworld_eval.osworld.scoring.install import Environment, EnvironmentMissing, environment
from osworld_eval.osworld.scoring.pretend import PretendGuest, State
from osworld_eval.osworld.scoring.score import Score, Scorer
from osworld_eval.osworld.suite import OsworldTask, SuiteError, read_suite
from sandboxes.base import SandboxUnavailable

__all__ = ["Compared", "Stage", "compare", "main", "scored", "stage"]

_INSIDE = Path(__file__).with_name("inside")
_KEEP = 60
"""Cases to a jail: they are our own."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One case, both ways."""

    name: str
    ours: str
    """A number, or `error: KIND`."""
    theirs: str

    @property
    def equal(self) -> bool:
        return self.ours == self.theirs


class Stage:
    """A folder of made files, a guest that is none, and a server that they are downloaded from.

    Args:
        folder: to work in.
        environment: whose packages documents are made with; no files are made without one.
    """

    def __init__(self, folder: Path, environment: Environment | None = None) -> None:
        self._folder = folder
        self.made = folder / "made"
        self.made.mkdir(parents=True)
        if environment is not None:
            making = [str(environment.python), "-I", str(_INSIDE / "making.py"), str(self.made)]
            done = subprocess.run(making, capture_output=True, text=True, check=False)
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["no word"])[-1]
                raise SuiteError(f"the documents cannot be made: {why}")
            write_texts(self.made)
        self.guest = PretendGuest(token="a-token")
        self.shop = PretendGuest(self.made)
        self.assets = Assets(folder / "assets")
        self._count = 0

    def close(self) -> None:
        """Serve no more."""
        self.guest.close()
        self.shop.close()

    def state(self, case: Case) -> State:
        return State(
            files={path: self.made / name for path, name in case.files.items()},
            outputs=case.outputs,
            terminal=case.terminal,
            tree=case.tree,
            folders=case.folders,
            window=case.window,
            wallpaper=self.made / case.wallpaper if case.wallpaper else None,
        )

    def evaluator(self, case: Case) -> dict[str, Any]:
        told = json.loads(json.dumps(case.evaluator).replace(f'"{SHARED}/', f'"{self.shop.address}/shared/'))
        assert isinstance(told, dict)
        return told

    def cache(self, case: Case) -> Path:
        self._count += 1
        made = self._folder / f"cache-{self._count}"
        made.mkdir()
        for name in case.cache:
            (made / name).write_bytes((self.made / name).read_bytes())
        return made

    def task(self, case: Case) -> OsworldTask:
        """The case as a task file that was read from a suite."""
        name = hashlib.sha256(case.name.encode()).hexdigest()[:16]
        folder = self._folder / f"suite-{name}" / "examples" / "os"
        folder.mkdir(parents=True, exist_ok=True)
        told = {"id": name, "instruction": case.name, "snapshot": "os", "config": [], "evaluator": self.evaluator(case)}
        (folder / f"{name}.json").write_text(json.dumps(told), "utf-8")
        suite = read_suite(folder.parent.parent)
        if not suite.tasks:
            raise SuiteError(f"case `{case.name}`: {suite.problems[0]}")
        return suite.tasks[0]


@contextmanager
def stage(where: Environment | None = None) -> Iterator[Stage]:
    """A stage in a folder of its own, which is gone afterwards; with documents where an environment makes them."""
    with tempfile.TemporaryDirectory(prefix="deskhand-stage-") as folder:
        made = Stage(Path(folder), where)
        try:
            yield made
        finally:
            made.close()


def compare(where: Environment, cases: Sequence[Case]) -> Iterator[Compared]:
    """Each case in turn.

    Raises:
        SandboxUnavailable: no jail can be built on this machine.
    """
    with stage(where) as on, Scorer(where.folder, retry_s=0, keep=_KEEP) as scorer:
        direct = subprocess.Popen(
            [str(where.python), "-I", str(_INSIDE / "direct.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=on.made,
        )
        try:
            for case in cases:
                on.guest.state = on.state(case)
                on.guest.token = "a-token"
                ours = scored(on, scorer, case)
                on.guest.token = None
                theirs = _directly(on, direct, case)
                yield Compared(case.name, _told(ours), theirs)
        finally:
            direct.kill()
            direct.communicate()


def scored(on: Stage, scorer: Scorer, case: Case) -> Score:
    """One case through the jail."""
    return scorer.score(
        on.task(case),
        on.guest.address,
        on.guest.token,
        on.cache(case),
        on.assets,
        failed=False,
        postconfig=lambda steps: None,
        ports={"vlc": on.guest.port},
    )


def _directly(on: Stage, direct: subprocess.Popen[str], case: Case) -> str:
    assert direct.stdin is not None and direct.stdout is not None
    cache = on.cache(case)
    told = {
        "port": on.guest.port,
        "vlc": on.guest.port,
        "cache": str(cache),
        "cwd": str(cache / "cwd"),
        "evaluator": on.evaluator(case),
    }
    direct.stdin.write(json.dumps(told) + "\n")
    direct.stdin.flush()
    said = direct.stdout.readline()
    if not said:
        return "error: it ended"
    answer = json.loads(said)
    return repr(answer["value"]) if "value" in answer else f"error: {answer['error']}"


def _told(score: Score) -> str:
    if score.value is not None:
        return repr(score.value)
    why = score.error or ""
    kind = why.removeprefix("upstream's evaluator broke: ").partition(":")[0]
    return f"error: {kind if why.startswith('upstream') else why}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the counts and every difference; 0 when there is none, 1 when there is, 2 when nothing can be compared."""
    parser = argparse.ArgumentParser(prog="python -m osworld_eval.osworld.scoring.parity")
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="the environment; the default place")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name has this in it")
    parser.add_argument("--json", action="store_true", help="print for machines")
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    try:
        where = environment(given.folder)
        every = [case for case in all_cases() if given.only in case.name]
        cases = [case for case in every if where.level == "full" or not case.full]
        done = []
        for one in compare(where, cases):
            done.append(one)
            if not one.equal and not given.json:
                print(f"differs: {one.name}\n  ours   {one.ours}\n  theirs {one.theirs}", flush=True)
    except (EnvironmentMissing, SandboxUnavailable, SuiteError) as problem:
        print(problem, file=sys.stderr)
        return 2
    told = {
        "cases": len(done),
        "equal": sum(one.equal for one in done),
        "scores": sum(not one.theirs.startswith("error") for one in done),
        "ones": sum(one.theirs == "1.0" for one in done),
        "zeros": sum(one.theirs == "0.0" for one in done),
        "errors": sum(one.theirs.startswith("error") for one in done),
        "need_full": len(every) - len(cases),
        "seconds": round(time.monotonic() - begun, 1),
    }
    if given.json:
        differ = [{"case": one.name, "ours": one.ours, "theirs": one.theirs} for one in done if not one.equal]
        print(json.dumps({**told, "differ": differ}))
    else:
        print(
            f"{told['equal']} of {told['cases']} cases are equal ({told['ones']} score 1, {told['zeros']} score 0, "
            f"{told['errors']} are upstream's errors) in {told['seconds']} s; {told['need_full']} need the full set"
        )
    return 0 if told["equal"] == told["cases"] and done else 1


if __name__ == "__main__":
    raise SystemExit(main())
