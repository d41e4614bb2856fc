"""What a run that was cut off has done, read from its trail and those of the runs before it that it went on with.

Only what was written down before an act, and what looking found afterwards, counts. Nothing is touched here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actuators.action import parse_action
from actuators.geometry import Rect
from actuators.observation import Node, Target
from agent.audit.events import Event, events
from agent.run_folder import RunFolder, RunRecord, list_runs
from model.base import Done
from model.protocols.computer_use import summary
from sandboxes.checkpoint import NotKept, State

__all__ = ["Act", "NothingToResume", "Past", "Point", "past_of"]

_LASTING = frozenset({"submit", "send", "buy", "delete", "unknown"})
_ONCE = frozenset({"send", "buy", "delete", "unknown"})
"""Done twice, these are done twice; a form that is submitted again is what a second run does anyway."""


class NothingToResume(ValueError):
    """The run cannot be gone on with. One line: why, and what to do instead."""


@dataclass(slots=True)
class Act:
    """One act of an earlier run, by what its trail says of it."""

    folder: RunFolder
    n: int
    """Number of its intent's record."""
    plan: int
    """Index of the plan's step that it was for."""
    page: str
    """Address, empty outside a browser."""
    what: str
    kind: str
    """Of its consequence."""
    words: str
    """As a model is told of it."""
    permit: str = ""
    """Nonce of its permit."""
    status: str = ""
    """Of its receipt; empty while no outcome is on the trail."""
    effect: str = ""
    """What looking told, where somebody looked."""

    @property
    def happened(self) -> bool | None:
        """None where it cannot be told from the trail."""
        if self.effect in ("happened", "not_happened"):
            return self.effect == "happened"
        if self.effect == "unknown" or self.status in ("", "unknown"):
            return None
        return self.status == "done"

    @property
    def lasts(self) -> bool:
        return self.kind in _LASTING

    @property
    def in_doubt(self) -> bool:
        """Whether it must be looked for before anything else is done, as nothing tells that its page was left well."""
        return self.kind in _ONCE if self.happened else self.happened is None and self.lasts


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run can be gone on with: how the surface stood, and which step of the plan was next."""

    folder: RunFolder
    state: str
    """Digest of the checkpoint."""
    plan: int
    after: int
    """How many acts lie before it."""

    def kept(self) -> State | None:
        """The checkpoint; None where it is gone or cannot be read."""
        stored = self.folder.state(self.state)
        try:
            return State.from_bytes(stored) if stored is not None else None
        except NotKept:
            return None


@dataclass(frozen=True, slots=True)
class Past:
    """Everything that the next run must know."""

    folders: tuple[RunFolder, ...]
    """The oldest first; the last one is the run that is gone on with."""
    records: tuple[RunRecord, ...]
    started: Mapping[str, Any]
    """How the run was started, as `agent.run` wrote it down (`Options.told`)."""
    acts: tuple[Act, ...]
    point: Point | None
    state: State | None
    """The checkpoint of `point`."""
    steps: int
    """Passes of the loop so far; the next one has this index."""
    seconds: float
    """Time that counts against the limit: what people took to answer is none of it."""
    counted: Mapping[str, int]
    """What the broker has let happen, what is in doubt included: acts, buys, submits, sends, seconds."""
    head: tuple[int, str] = (0, "")
    """Records of the last trail and their Merkle root, hexadecimal."""

    @property
    def run(self) -> str:
        """The run that is gone on with."""
        return self.folders[-1].id

    @property
    def since(self) -> tuple[Act, ...]:
        """What was done after the point."""
        return self.acts[self.point.after :] if self.point is not None else self.acts

    @property
    def doubts(self) -> tuple[Act, ...]:
        """What may have happened since the point and must be looked for before anything else is done."""
        return tuple(act for act in self.since if act.in_doubt)

    @property
    def doubted(self) -> Mapping[str, str]:
        """Of `doubts`, the nonce of the permit to the kind: what stops counting once a look says it did not happen."""
        return {act.permit: act.kind for act in self.doubts if act.permit}

    @property
    def lasted(self) -> bool:
        """Whether anything that must not be done twice is known to have happened before the point."""
        before = self.acts[: self.point.after] if self.point is not None else ()
        return any(act.kind in _ONCE and act.happened is not False for act in before)

    @property
    def plan(self) -> int:
        """The plan's step to go on with: the first one whose acts, up to the point, were all on the point's page.

        A page that is opened again has forgotten what was filled in. What lasts is never gone back over.
        """
        if self.point is None:
            return 0
        page = str(self.state.data.get("url", "")) if self.state is not None else ""
        first = self.point.plan
        for act in reversed(self.acts[: self.point.after]):
            if _place(act.page) != _place(page) or (act.lasts and act.happened is not False):
                break
            first = min(first, act.plan)
        return first

    def history(self, planned: bool) -> tuple[Done, ...]:
        """What a model is told of the acts before the point, less those that are to be done again."""
        before = self.acts[: self.point.after] if self.point is not None else ()
        left = [act for act in before if not planned or act.plan < self.plan]
        return tuple(Done(act.words, note="" if act.happened else act.status or "it is not known") for act in left)

    @property
    def site_home(self) -> Path | None:
        """Where the demo site keeps its state, when the first of the runs had one."""
        return next((home for one in self.folders if (home := one.path / "site").is_dir()), None)


def past_of(folder: RunFolder, root: Path) -> Past:
    """Read a run and the runs that it went on with; `root` is where those lie, and any that went on with it.

    Raises:
        NothingToResume: it goes on, has ended for good, was gone on with already, or its trail does not hold.
    """
    record = _resumable(folder)
    _not_resumed(folder, root)
    folders, records = [folder], [record]
    while records[0].resumes:
        earlier = RunFolder(root.absolute() / records[0].resumes)
        if not earlier.journal.is_file():
            raise NothingToResume(f"{folder.id} went on with {earlier.id}, which is not in `{root}` any more")
        folders.insert(0, earlier)
        records.insert(0, _read(earlier))
    heads = [_held(one) for one in folders]
    return _Reader(tuple(folders), tuple(records)).past(heads[-1])


def _resumable(folder: RunFolder) -> RunRecord:
    from agent.audit.journal import is_live

    if not folder.journal.is_file():
        raise NothingToResume(f"{folder.id} broke before it did anything: start it anew")
    record = _read(folder)
    if is_live(folder.journal):
        raise NothingToResume(f"{folder.id} is going on: wait for its end, or stop it with `agent stop {folder.id}`")
    if record.outcome == "verified":
        raise NothingToResume(f"{folder.id} has ended verified: there is nothing left to do")
    if record.outcome in ("denied", "infeasible", "done_unverified"):
        said = f"{folder.id} has ended {record.outcome}: {record.detail}"
        raise NothingToResume(f"{said}; going on would end the same way: start it anew once that is mended")
    return record


def _read(folder: RunFolder) -> RunRecord:
    try:
        return folder.read_run()
    except ValueError as problem:
        raise NothingToResume(str(problem)) from None


def _not_resumed(folder: RunFolder, root: Path) -> None:
    for run in list_runs(root):
        if run.record is not None and run.record.resumes == folder.id and run.folder.journal.is_file():
            how = run.record.outcome or run.state
            said = f"{folder.id} was gone on with already by {run.id} ({how})"
            raise NothingToResume(said if how == "verified" else f"{said}: resume that one")


def _held(folder: RunFolder) -> tuple[int, str]:
    """Records and root of a trail that holds."""
    from agent.audit.verify import verify

    verdict = verify(folder.path, frames=False)
    if not verdict.ok:
        raise NothingToResume(f"the trail of {folder.id} does not hold ({verdict.line()}); nothing is taken from it")
    return verdict.records, verdict.root


class _Reader:
    """Goes through the trails in order."""

    def __init__(self, folders: tuple[RunFolder, ...], records: tuple[RunRecord, ...]) -> None:
        self._folders, self._records = folders, records
        self._started: dict[str, Any] = {}
        self._acts: list[Act] = []
        self._points: list[Point] = []
        self._steps = 0
        self._sends = 0

    def past(self, head: tuple[int, str]) -> Past:
        for folder in self._folders:
            self._mine: dict[int, Act] = {}
            for event in events(folder.journal):
                self._event(folder, event)
        point, state = self._newest()
        seconds = sum(_active_s(one, record) for one, record in zip(self._folders, self._records, strict=True))
        return Past(
            self._folders, self._records, self._started, tuple(self._acts), point, state, self._steps, seconds,
            self._counted(seconds), head,
        )  # fmt: skip

    def _event(self, folder: RunFolder, event: Event) -> None:
        self._steps = max(self._steps, int(event.get("step", -1)) + 1)
        number = int(event.get("intent", -1))
        if event.name == "gui.started":
            self._started = self._started or _started(event)
        elif event.name == "gui.intent":
            self._intent(folder, event)
        elif event.name == "gui.kept":
            self._points.append(Point(folder, str(event.get("state")), int(event.get("plan", 0)), len(self._acts)))
        elif event.name == "gui.outcome" and number in self._mine:
            self._mine[number].status = str(event.get("receipt"))
        elif event.name == "gui.effect" and number in self._mine:
            self._mine[number].effect = str(event.get("effect"))
        elif event.name == "gui.reconciled":
            self._reconciled(folder, str(event.get("effect")))
        elif event.name == "gui.wire" and event.get("released") is True and event.get("method") not in ("GET", "HEAD"):
            self._sends += 1

    def _intent(self, folder: RunFolder, event: Event) -> None:
        plan, state = int(event.get("plan", 0)), str(event.get("state"))
        if state:
            self._points.append(Point(folder, state, plan, len(self._acts)))
        kind = str(event.get("consequence", "unknown")).split(" ")[0]
        act = Act(folder, event.n, plan, str(event.get("target_url")), event.body, kind, _words(event),
                  str(event.get("permit")))  # fmt: skip
        self._acts.append(act)
        self._mine[event.n] = act

    def _reconciled(self, folder: RunFolder, effect: str) -> None:
        """A later run has looked for what the runs before it had left in doubt."""
        if effect not in ("happened", "not_happened"):
            return
        for act in self._acts:
            if act.in_doubt and act.folder != folder:
                act.effect = effect

    def _newest(self) -> tuple[Point | None, State | None]:
        for point in reversed(self._points):
            if (state := point.kept()) is not None:
                return point, state
        return None, None

    def _counted(self, seconds: float) -> dict[str, int]:
        """As `policies.keeper` counts: what was really minted and not taken back."""
        stood = [act for act in self._acts if act.happened is not False]
        return {
            "acts": sum(act.kind != "look" for act in stood),
            "buys": sum(act.kind == "buy" for act in stood),
            "submits": sum(act.lasts for act in stood),
            "sends": self._sends,
            "seconds": int(seconds),
        }


def _started(event: Event) -> dict[str, Any]:
    try:
        told = json.loads(str(event.facts.get("gui.started", "{}")))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _words(event: Event) -> str:
    """The act as `model.protocols` tell of it; the trail's own words where the action cannot be read."""
    try:
        action = parse_action(json.loads(str(event.get("action"))))
    except (ValueError, TypeError):
        return event.body
    role = str(event.get("target_role"))
    node = Node(id="", role=role, name=str(event.get("target_name")), rect=Rect(0, 0, 1, 1)) if role else None
    return summary(action, Target("browser", node, None))


def _place(url: str) -> str:
    return url.partition("#")[0]


def _active_s(folder: RunFolder, record: RunRecord) -> float:
    """From the first to the last word of a trail, less what people took to answer."""
    last, waited = record.started_at, 0.0
    for facts, at in _records(folder.journal):
        last = max(last, at)
        if "gui.approval.decision" in facts:
            waited += float(facts.get("gui.waited_s", 0.0))
    return max(0.0, last - record.started_at - waited)


def _records(journal: Path) -> Iterator[tuple[Mapping[str, Any], float]]:
    """Attributes and time of every span and event; what is torn is left out."""
    for line in journal.read_bytes().splitlines():
        try:
            record = json.loads(line)["rec"]
            spans = [one for each in record.get("resourceSpans", ()) for one in each["scopeSpans"][0]["spans"]]
            logs = [one for each in record.get("resourceLogs", ()) for one in each["scopeLogs"][0]["logRecords"]]
            for one in (*spans, *logs):
                facts = {pair["key"]: next(iter(pair["value"].values()), "") for pair in one.get("attributes", ())}
                yield facts, int(one.get("endTimeUnixNano") or one.get("timeUnixNano") or 0) / 1e9
        except (ValueError, KeyError, IndexError, TypeError):
            continue
