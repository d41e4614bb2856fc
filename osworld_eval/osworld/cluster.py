"""The same slots on the machines of a Ray cluster: one actor for each, placed where its resources are.

A model that runs in the cluster has actors of its own, one for each GPU, that several slots share; each slot is a
conversation of its own there. A server (vLLM, SGLang) is spoken to by every slot itself. What an attempt leaves comes
back packed, so that no disk needs to be shared. A node that is lost takes its actors with it: their jobs are played
again by actors that start elsewhere, and a model's actor is started anew by Ray.

What this does not protect against: whoever can speak to the cluster can run programs on it; that is what Ray is for.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from actuators.observation import Frame, Observation
from model.base import Done, Instruction, ModelError, Perception, Reply
from osworld_eval.osworld.agents import ORACLE, RANDOM, Loaded
from osworld_eval.osworld.crew import STARTS_S, Event
from osworld_eval.osworld.machine import MachineFault
from osworld_eval.osworld.row import Job
from osworld_eval.osworld.worker import Equipment, Refused, Worker

__all__ = ["Cluster", "ClusterUnavailable", "needs_of"]

_KEPT_PICTURES = 24
"""Earlier observations that travel to a model; no profile shows as many."""
_MOST_FAILED = 3
_WAIT_S = 60.0
_TRIES = 3


class ClusterUnavailable(Exception):
    """There is no Ray, or no such cluster. One line."""


def needs_of(text: str) -> dict[str, float]:
    """What one slot takes, from `CPU=1,desktop=1`; one CPU where nothing is said.

    Raises:
        ValueError: it is something else. One line.
    """
    found = {"CPU": 1.0}
    for part in filter(None, (one.strip() for one in text.split(","))):
        match = re.fullmatch(r"([A-Za-z][A-Za-z0-9_.:-]{0,63})=(\d{1,4}(?:\.\d{1,4})?)", part)
        if match is None:
            raise ValueError(
                f"--ray-needs takes NAME=AMOUNT with commas between, such as CPU=2,desktop=1, got `{part}`"
            )
        found[match[1]] = float(match[2])
    return found


# In the cluster


class SlotActor:
    """One worker, in a process of its own somewhere in the cluster."""

    def __init__(self, equipment: Equipment, slot: str, shared: Any) -> None:
        self._equipment, self._slot = equipment, slot
        agent = Loaded(_Distant(shared, slot), equipment.perception) if shared is not None else None
        self._worker = Worker(equipment, slot, agent)
        self._open = False

    def ready(self) -> tuple[str, str]:
        """Start everything; `("ready", where)`, `("refused", why)` or `("fault", why)`."""
        try:
            self._worker.__enter__()
        except Refused as problem:
            return "refused", str(problem)
        except MachineFault as problem:
            return "fault", str(problem)
        self._open = True
        return "ready", os.uname().nodename

    def play(self, job: Job) -> tuple[str, Any, bytes]:
        """One attempt: `("row", row, its files)` or `("refused", why, b"")`."""
        with tempfile.TemporaryDirectory(prefix="deskhand-osworld-") as name:
            folder = Path(name) / job.name
            folder.mkdir()
            job = replace(job, task=replace(job.task, path=_at_hand(job, Path(name))))
            try:
                row = self._worker.play(job, folder)
            except Refused as problem:
                return "refused", str(problem), b""
            shutil.rmtree(folder / "cache", ignore_errors=True)
            return "row", row, _packed(folder)

    def end(self) -> None:
        """Let go of the machine."""
        if self._open:
            self._worker.__exit__(None, None, None)
            self._open = False


def _at_hand(job: Job, folder: Path) -> Path:
    """The task's file where this machine has it; else a copy of what came with the job."""
    path = job.task.path
    if path.is_file() or not job.file:
        return path
    copy = folder / "suite" / "examples" / job.task.domain / path.name
    copy.parent.mkdir(parents=True)
    copy.write_text(job.file, "utf-8")
    return copy


class ModelActor:
    """One loaded model, and a conversation with it for each slot."""

    def __init__(self, name: str, device: str) -> None:
        from model.load import load_model

        self._model = load_model(name, device=device)
        self._talks: dict[str, Any] = {}

    def told(self) -> str:
        """Its name, once it is loaded."""
        return self._model.name

    def propose(
        self, slot: str, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception
    ) -> Reply:
        """See `Model.propose`."""
        if slot not in self._talks:
            another = getattr(self._model, "another", None)
            self._talks[slot] = another() if another is not None else self._model
        reply: Reply = self._talks[slot].propose(asked, history, seen, perception)
        return reply


class _Distant:
    """A model in another process, as a `Model`."""

    def __init__(self, actor: Any, slot: str) -> None:
        self._actor = actor
        self._slot = slot
        self._name = ""

    @property
    def name(self) -> str:
        import ray

        self._name = self._name or str(ray.get(self._actor.told.remote()))
        return self._name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`."""
        import ray

        old = max(0, len(history) - _KEPT_PICTURES)
        told = [replace(step, seen=None if place < old else _light(step.seen)) for place, step in enumerate(history)]
        try:
            reply: Reply = ray.get(self._actor.propose.remote(self._slot, asked, told, _light(seen), perception))
        except ray.exceptions.RayError as error:
            raise ModelError(f"the model's actor broke: {_why(error)}") from None
        return reply

    def close(self) -> None:
        """Others speak to it too."""


def _light(seen: Observation | None) -> Observation | None:
    """An observation without what it has decoded."""
    return None if seen is None else replace(seen, frame=Frame(seen.frame.png))


def _packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, arcname=".")
    return buffer.getvalue()


# Here


@dataclass
class _Slot:
    name: str
    equipment: Equipment
    shared: Any
    actor: Any = None
    future: Any = None
    state: Literal["starting", "idle", "playing", "gone"] = "starting"
    job: Job | None = None
    since: float = field(default_factory=time.monotonic)
    failed: int = 0


class Cluster:
    """A `Crew` of actors.

    Args:
        equipment: one for each slot.
        folder: where the files of attempts are put.
        address: of the cluster, `auto` for the one that this machine belongs to; empty starts one here, on loopback.
        model_actors: how many share the loading of a checkpoint; 0 for one on each GPU, and where there is none every
            slot loads its own.
        needs: what one slot takes, see `needs_of`.

    Raises:
        ClusterUnavailable: Ray is not installed, or the cluster does not answer.
    """

    actor: type = SlotActor
    """What a slot is in the cluster."""

    def __init__(
        self,
        equipment: Sequence[Equipment],
        folder: Path,
        address: str = "",
        model_actors: int = 0,
        needs: Mapping[str, float] | None = None,
    ) -> None:
        self._ray = _joined(address)
        self._folder = folder
        self._needs = dict(needs or {"CPU": 1.0})
        shared = self._models(equipment[0], len(equipment), model_actors)
        self._slots = {
            str(place): _Slot(str(place), one, shared[(place - 1) % len(shared)] if shared else None)
            for place, one in enumerate(equipment, 1)
        }
        for slot in self._slots.values():
            self._start(slot)

    @property
    def idle(self) -> Sequence[str]:
        return [slot.name for slot in self._slots.values() if slot.state == "idle"]

    @property
    def starting(self) -> Sequence[str]:
        return [slot.name for slot in self._slots.values() if slot.state == "starting"]

    def give(self, slot: str, job: Job) -> None:
        """See `Crew.give`."""
        one = self._slots[slot]
        one.state, one.job, one.since = "playing", job, time.monotonic()
        one.future = one.actor.play.remote(job)

    def wait(self, bound_s: float) -> Sequence[Event]:
        """See `Crew.wait`."""
        by_future = {slot.future: slot for slot in self._slots.values() if slot.future is not None}
        if not by_future:
            time.sleep(bound_s)  # nobody plays and nobody starts: there is nothing to watch
            return []
        done, _ = self._ray.wait(list(by_future), num_returns=1, timeout=bound_s)
        events = [self._heard(by_future[future]) for future in done]
        return [*events, *self._without_room()]

    def kill(self, slot: str) -> None:
        """See `Crew.kill`."""
        with suppress(Exception):
            self._ray.kill(self._slots[slot].actor)

    def stop(self) -> None:
        """See `Crew.stop`: an actor hears nothing while it plays, so it is ended."""
        for slot in self._slots.values():
            if slot.state == "playing":
                self.kill(slot.name)

    def close(self) -> None:
        """End all actors, and the cluster if it was started here."""
        ends = []
        for slot in self._slots.values():
            if slot.state == "idle":
                ends.append(slot.actor.end.remote())
        with suppress(Exception):
            self._ray.wait(ends, num_returns=len(ends), timeout=20.0)
        for slot in self._slots.values():
            self.kill(slot.name)
        self._ray.shutdown()

    def _models(self, equipment: Equipment, slots: int, wanted: int) -> list[Any]:
        """Actors that hold the model; none where every slot has its own or asks a server."""
        if equipment.agent in (ORACLE, RANDOM) or "://" in equipment.agent or equipment.agent == "plan":
            return []
        gpus = int(self._ray.cluster_resources().get("GPU", 0))
        count = min(wanted or gpus, slots)
        made = self._ray.remote(ModelActor).options(
            num_gpus=1 if gpus else 0, num_cpus=0 if gpus else 1, max_restarts=-1, max_task_retries=2
        )
        return [made.remote(equipment.agent, equipment.device) for _ in range(count)]

    def _start(self, slot: _Slot) -> None:
        needs = dict(self._needs)
        made = self._ray.remote(self.actor).options(
            num_cpus=needs.pop("CPU", 0),
            num_gpus=needs.pop("GPU", 0),
            resources=needs,
            max_restarts=0,
            scheduling_strategy="SPREAD",
        )
        slot.actor = made.remote(slot.equipment, slot.name, slot.shared)
        slot.future, slot.state, slot.job, slot.since = slot.actor.ready.remote(), "starting", None, time.monotonic()

    def _heard(self, slot: _Slot) -> Event:
        try:
            told = self._ray.get(slot.future, timeout=_WAIT_S)
        except self._ray.exceptions.RayError as error:
            return self._ended(slot, _why(error))
        slot.future = None
        match told:
            case ("ready", _):
                slot.state, slot.failed = "idle", 0
                return Event(slot.name, "ready")
            case ("row", row, data):
                slot.state = "idle"
                return Event(slot.name, "played", row=row, folder=self._unpacked(slot, data))
            case ("refused", why, *_):
                return Event(slot.name, "refused", why=why)
            case (_, why, *_):
                return self._ended(slot, str(why))
        raise AssertionError("unreachable")

    def _unpacked(self, slot: _Slot, data: bytes) -> Path:
        assert slot.job is not None
        folder = self._folder / slot.job.name
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(folder, filter="data")
        return folder

    def _ended(self, slot: _Slot, why: str) -> Event:
        slot.failed += slot.state == "starting"
        self.kill(slot.name)
        slot.future = None
        if slot.failed >= _MOST_FAILED:
            slot.state = "gone"
            return Event(slot.name, "gone", why=why)
        self._start(slot)
        return Event(slot.name, "died", why=why)

    def _without_room(self) -> list[Event]:
        """Slots that the cluster has had no room for, when no other is there either."""
        waiting = [slot for slot in self._slots.values() if slot.state == "starting"]
        if len(waiting) < sum(slot.state != "gone" for slot in self._slots.values()):
            return []
        if any(time.monotonic() - slot.since < STARTS_S for slot in waiting):
            return []
        told = ", ".join(f"{name}={amount:g}" for name, amount in self._needs.items())
        for slot in waiting:
            self.kill(slot.name)
            slot.state, slot.future = "gone", None
        why = f"the cluster had no room within {STARTS_S:g} seconds: a slot needs {told}"
        return [Event(slot.name, "gone", why=why) for slot in waiting]


def _joined(address: str) -> Any:
    """The `ray` module, connected."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise ClusterUnavailable("Ray is not installed; try: pip install 'deskhand[cluster]'") from None
    _answering(address)
    given: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "namespace": f"deskhand-{os.getpid()}"}
    if address:
        given["address"] = address
    else:
        given |= {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    for left in reversed(range(_TRIES)):
        try:
            ray.init(**given)
            return ray
        except Exception as error:  # Ray says that a node was too slow by a plain `Exception`
            ray.shutdown()
            if not left or address:
                raise ClusterUnavailable(f"no Ray cluster at `{address or 'this machine'}`: {_why(error)}") from None
    raise AssertionError("unreachable")


def _answering(address: str) -> None:
    """Ray itself tries an address where nobody answers for minutes. Raises `ClusterUnavailable`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "://" in address:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), 5.0).close()
    except (OSError, OverflowError) as error:
        raise ClusterUnavailable(f"no Ray cluster at `{address}`: {_why(error)}") from None


def _why(error: BaseException) -> str:
    cause = getattr(error, "cause", None)
    lines = [line for line in str(cause if cause is not None else error).splitlines() if line.strip()]
    return " ".join(f"{type(error).__name__}: {lines[0] if lines else ''}".split())[:240]
