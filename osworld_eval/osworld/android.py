"""Tasks on a phone in the same runner: files of deskhand's own format, judged by their own checks on the phone.

The phone is one that adb knows: attached, an emulator, or the virtual one. An emulator is put back by a snapshot before
each attempt; any other phone keeps what was done to it, and each app begins afresh.

AndroidWorld is not here: its package comes from its repository alone, and its tasks need its emulator. `world_missing`
says so before anything begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.task import BoundTask, TaskError, load_task
from osworld_eval.osworld.episode import Attempt, Fault
from osworld_eval.osworld.machine import MachineFault
from osworld_eval.osworld.suite import Check, Evaluator, OsworldTask, Problem, Suite, SuiteError
from sandboxes.base import SandboxUnavailable

__all__ = ["PhoneAttempt", "PhoneMachine", "phone_suite", "world_missing"]

DOMAIN = "android"
_KEPT = "deskhand_eval"


class PhoneMachine:
    """A phone as a `Machine`, though it speaks adb.

    Args:
        serial: as adb lists it; empty for the only one, or that of ANDROID_SERIAL.

    Raises:
        MachineFault: there is none, or several and none is named.
    """

    kind: Any = "android"
    token: str | None = None
    screen = (0, 0)
    password = ""

    def __init__(self, serial: str) -> None:
        from sandboxes.adb import is_emulator
        from sandboxes.device import Device, find_device

        self.ports: Mapping[str, int] = {}
        self._device: Device | None = None
        try:
            self.address = find_device(serial or None)
            if is_emulator(self.address):
                self._device = Device(self.address)
                self._device.checkpoint(_KEPT)
        except SandboxUnavailable as problem:
            raise MachineFault(str(problem)) from None

    def reset(self) -> float:
        """Load the snapshot, where there is one."""
        if self._device is not None:
            try:
                self._device.restore(_KEPT)
            except SandboxUnavailable as problem:
                raise MachineFault(str(problem)) from None
        return 0.0

    def close(self) -> None:
        """Leave it as it was found, where it can be."""
        device, self._device = self._device, None
        if device is not None:
            with suppress(SandboxUnavailable):
                device.restore(_KEPT)
                device.forget(_KEPT)


def phone_suite(folder: Path) -> Suite:
    """The task files of a folder, each a task of the domain `android`.

    Raises:
        SuiteError: there is none.
    """
    tasks, problems = [], []
    for path in sorted(folder.glob("*.yaml")):
        try:
            file = load_task(path)
        except TaskError as error:
            problems.append(Problem(f"{DOMAIN}/{path.stem}", "", error.lines[0], "broken"))
            continue
        if file.file.surface.android is None:
            continue
        checks = Evaluator((Check("checks", None, None, {}),), "and", (), False)
        told = OsworldTask(DOMAIN, path.stem, file.file.goal, "", (), checks, False, "linux", path, file.digest, (), ())
        tasks.append(told)
    if not tasks:
        more = f"; {problems[0].what}" if problems else ""
        raise SuiteError(f"there is no task for a phone in {folder}, expected task files with `surface: android`{more}")
    return Suite(folder, tuple(tasks), tuple(problems))


def world_missing() -> str:
    """Why AndroidWorld cannot be played here."""
    from importlib.util import find_spec

    if find_spec("android_world") is None:
        return (
            "AndroidWorld is not installed here: its package comes from its repository alone and needs its emulator; "
            "leave --world out to play the tasks of a phone"
        )
    return "AndroidWorld is installed, and this version cannot play it: leave --world out to play the tasks of a phone"


class PhoneAttempt(Attempt):
    """One attempt on a phone. Its run's own checks are its score."""

    @property
    def scoring(self) -> str:
        """See `Attempt.scoring`."""
        return "checks"

    def _scored(self) -> tuple[float, str]:
        with self._phase("reset"):
            try:
                self._playing.machine.reset()
            except MachineFault as fault:
                raise Fault("infrastructure", str(fault)) from None
        with self._phase("agent"):
            ending = self._run()
        if ending.outcome in ("error", "unknown_effect"):
            raise Fault("infrastructure", f"the run broke: {ending.because}")
        return float(ending.outcome == "verified"), ending.because

    def _file(self) -> Path:
        path = self._folder / "task.yaml"
        path.write_text(self._job.file or self._job.task.path.read_text("utf-8"), "utf-8")
        return path

    def _task(self, file: Path) -> BoundTask:
        settings, agent = self._playing.settings, self._playing.agent
        try:
            task = load_task(file).bind()
        except TaskError as error:
            raise Fault("task", error.lines[0]) from None
        assert task.android is not None
        phone = task.android.model_copy(update={"serial": self._playing.machine.address, "restore": False})
        steps = min(task.limits.steps, settings.steps)
        limits = task.limits.model_copy(update={"steps": steps, "minutes": min(task.limits.minutes, settings.minutes)})
        narrow = task.policy.narrow.model_copy(update={"max_buys": task.policy.narrow.max_buys or 1000})
        policy = task.policy.model_copy(update={"narrow": narrow})
        return replace(task, android=phone, limits=limits, policy=policy, perception=agent.perception)
