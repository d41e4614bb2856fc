"""The `agent audit` commands: each finds the run, does one thing to its trail, prints, and returns an exit code.

0: done, and the trail holds. 1: the trail does not hold, or not all was delivered. 2: what was asked for cannot be.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.outcome import USAGE
from agent.run_folder import RunFolder, RunFolderUnwritable, RunNotFound, find_run, list_runs

if TYPE_CHECKING:
    from agent.audit.verify import Verdict

__all__ = ["Erase", "erase", "export", "prove", "show"]


def show(name: str, root: Path, step: int | None, as_json: bool) -> int:
    """Tell a run from its trail."""
    from agent.timeline import NoSuchStep, shown, shown_json

    def told(folder: RunFolder) -> int:
        try:
            print(shown_json(folder, step) if as_json else "\n".join(shown(folder, step)))
        except NoSuchStep as problem:
            return _refused("show", str(problem))
        return 0

    return _with_run("show", name, root, told)


def export(name: str, root: Path, to: Path | None, otlp: str) -> int:
    """Write a bundle that somebody else can check, OTLP/JSON lines, or send the journal to a collector."""
    from agent.audit.collector import unfit_endpoint

    if (to is None) == (not otlp):
        return _refused("export", "say where to: --to FOLDER, FILE.zip or FILE.jsonl, or --otlp URL")
    if otlp and (problem := unfit_endpoint(otlp)):
        return _refused("export", problem)

    def told(folder: RunFolder) -> int:
        verdict = _verdict(folder)
        try:
            if to is None:
                return _replayed(folder, otlp, verdict)
            return _written(folder, to, verdict)
        except OSError as problem:
            return _refused("export", f"cannot write `{to}`: {problem.strerror or problem}".replace("File exists", ""))

    return _with_run("export", name, root, told)


def _written(folder: RunFolder, to: Path, verdict: Verdict) -> int:
    from agent.audit.bundle import bundle, otlp_lines

    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        return _refused("export", f"`{to}` exists: name a new folder or file")
    if to.suffix in (".json", ".jsonl"):
        to.parent.mkdir(parents=True, exist_ok=True)
        lines = [*otlp_lines(folder.journal)]
        to.write_bytes(b"".join(lines))
        print(f"{to}: {len(lines)} OTLP/JSON messages")
    else:
        size = bundle(folder, to, verdict)
        print(f"{to}: {size / 1e6:.1f} MB")
        where = f"unpack {to}, then in it" if to.suffix == ".zip" else f"in {to}"
        print(f"check it {where}: python verify.py . --public-key {verdict.public_key}")
    print(verdict.line())
    return 0 if verdict.ok else 1


def _replayed(folder: RunFolder, endpoint: str, verdict: Verdict) -> int:
    from agent.audit.replay import replay

    sent = replay(folder.journal, endpoint)
    print(
        f"{endpoint}: {sent.spans} spans and {sent.events} events sent" + (f", {sent.lost} lost" if sent.lost else "")
    )
    print(verdict.line())
    return 0 if verdict.ok and not sent.lost else 1


def prove(name: str, root: Path, step: int, to: Path | None) -> int:
    """Write a proof that one step's records lie under a signed root."""
    from agent.audit.proof import NotProved, proof_of

    def told(folder: RunFolder) -> int:
        verdict = _verdict(folder)
        if not verdict.ok:
            print(f"agent audit proof: {verdict.line()}", file=sys.stderr)
            return 1
        try:
            proof = proof_of(folder.journal, step - 1)
            text = json.dumps(proof, ensure_ascii=False, indent=1) + "\n"
            if to is None:
                print(text, end="")
                return 0
            to.write_text(text, "utf-8")
        except NotProved as problem:
            return _refused("proof", str(problem))
        except OSError as problem:
            return _refused("proof", f"cannot write `{to}`: {(problem.strerror or 'error').lower()}")
        seal = proof["checkpoint"]
        print(f"{to}: {len(proof['records'])} records under the root of the first {seal['n']}")
        print(f"check it: python -m agent.audit.verify --proof {to} --public-key {proof['public_key']}")
        return 0

    return _with_run("proof", name, root, told)


@dataclass(frozen=True, slots=True)
class Erase:
    """What `agent audit erase` was told."""

    run: str = ""
    """Empty for every run that is old enough."""
    root: Path = Path("runs")
    frames: tuple[str, ...] = ()
    """Digests, or the beginnings of some, or `all`."""
    fields: tuple[str, ...] = ()
    step: int | None = None
    """Counted from 1."""
    older_than: str = ""
    why: str = ""
    dry_run: bool = False


def erase(given: Erase) -> int:
    """Take frames or fields out of one run, or out of every run that ended long enough ago."""
    from agent.audit.erase import erasable

    try:
        erasable(given.fields)
        days = _days(given.older_than)
    except ValueError as problem:
        return _refused("erase", str(problem))
    if bool(given.run) == (days is not None):
        return _refused("erase", "name one run, or --older-than 90d for all that ended before that")
    if not given.frames and not given.fields:
        if days is None:
            return _refused("erase", "say what: --frame DIGEST, --frame all, --field NAME or --field texts")
        given = _all_frames(given)
    if days is not None:
        return _retained(given, days)
    return _with_run("erase", given.run, given.root, lambda folder: _erased(folder, given))


def _all_frames(given: Erase) -> Erase:
    from dataclasses import replace

    return replace(given, frames=("all",))


def _days(text: str) -> float | None:
    if not text:
        return None
    match = re.fullmatch(r"([0-9]{1,5})([dwy])", text)
    if match is None:
        raise ValueError(f"--older-than takes a number of days, weeks or years such as 90d, 12w, 1y; got `{text}`")
    return int(match[1]) * {"d": 1, "w": 7, "y": 365}[match[2]]


def _retained(given: Erase, days: float) -> int:
    """Erase in every run that ended `days` ago or earlier; runs that go on are left alone."""
    until = time.time() - days * 86_400
    worst = done = 0
    for run in reversed(list_runs(given.root)):
        if run.record is None or run.state == "running" or (run.record.ended_at or run.record.started_at) > until:
            continue
        done += 1
        worst = max(worst, _erased(run.folder, given))
    print(f"{done} runs ended before {time.strftime('%Y-%m-%d', time.localtime(until))}")
    return worst


def _erased(folder: RunFolder, given: Erase) -> int:
    from agent.audit.erase import erase_fields, erase_frames, erase_patches, erase_states
    from agent.audit.journal import TrailBroken, is_live

    if is_live(folder.journal):
        return _refused("erase", f"{folder.id} is going on; wait for its end, or stop it with `agent stop`")
    before = _verdict(folder)
    if not before.ok:
        print(f"agent audit erase: {folder.id}: nothing was erased: {before.line()}", file=sys.stderr)
        return 1
    why = given.why or ("kept no longer" if given.older_than else "asked for")
    try:
        frames = _frames(folder, given.frames)
        if given.dry_run:
            print(f"{folder.id}: would erase {len(frames)} frames{_and_fields(given)}")
            return 0
        erase_frames(folder, frames, why)
        pieces = erase_patches(folder) if frames else 0
        states = erase_states(folder) if given.older_than else 0
        step = None if given.step is None else given.step - 1
        records = erase_fields(folder, given.fields, why, step) if given.fields else []
        _report_again(folder)
    except (TrailBroken, RunFolderUnwritable, ValueError) as problem:
        return _refused("erase", f"{folder.id}: {problem}")
    also = (f", {pieces} pieces of them in the flow" if pieces else "") + (f", {states} checkpoints" if states else "")
    print(f"{folder.id}: erased {len(frames)} frames{also}, fields in {len(records)} records")
    if not given.older_than:
        print(_verdict(folder).line())
    return 0


def _and_fields(given: Erase) -> str:
    return f" and the fields {', '.join(given.fields)}" if given.fields else ""


def _frames(folder: RunFolder, named: tuple[str, ...]) -> list[str]:
    """Digests of the frames that are meant. Raises ValueError where a name fits none, or several."""
    there = sorted(each.stem for each in folder.frames.glob("*.png"))
    if "all" in named:
        return there
    chosen = []
    for name in named:
        hits = [each for each in there if len(name) >= 8 and each.startswith(name)]
        if len(hits) != 1:
            raise ValueError(
                f"no frame is called `{name}` (8 digits of its digest or more; `agent audit show` has them)"
            )
        chosen += hits
    return chosen


def _report_again(folder: RunFolder) -> None:
    """The report and the film hold copies of what was erased."""
    from agent.report.page import write_report

    if folder.report.exists():
        write_report(folder)


def _verdict(folder: RunFolder) -> Verdict:
    from agent.audit.verify import Verdict, verify

    try:
        return verify(folder.path)
    except OSError:
        return Verdict(ok=False, problem="missing", detail="there is no journal in the run folder")


def _with_run(command: str, name: str, root: Path, do: Callable[[RunFolder], int]) -> int:
    try:
        return do(find_run(root, name))
    except RunNotFound as problem:
        return _refused(command, str(problem))


def _refused(command: str, line: str) -> int:
    print(f"agent audit {command}: {line}", file=sys.stderr)
    return USAGE
