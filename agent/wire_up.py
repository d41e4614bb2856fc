"""The one place where everything meets: from a bound task to the parts of a run.

Order matters. What can refuse cheaply comes first; the broker comes before anything that acts; the trail begins before
the surface is touched, so that even a browser that does not start is on the record.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actuators.base import Actuator
from actuators.observation import Observation
from actuators.permit import Verifier
from agent.alerts import Alerts
from agent.attended import attended, broker_process, console_origins, way_to_ask
from agent.audit.journal import TrailBroken
from agent.audit.spans import About, Trail
from agent.checks import Checked, ReadFile, judged
from agent.limits import Limits
from agent.noticed import Noticing
from agent.outcome import Ending
from agent.parts import Parts
from agent.prices import prices
from agent.red_button import RedButton, red_button
from agent.run_folder import RunFolder
from agent.seal import sealed_by
from agent.sites import Site
from agent.task import BoundTask
from agent.task_file import BrowserSurface
from agent.veiled import Veiled
from agent.watch import Watch
from model.base import Model
from policies.broker import Ahead, Approve, Broker
from policies.gate import Gate
from policies.narrow import ANOMALIES, Narrow, Odd, Tier, Treatment
from policies.place import known_apps, origin_of, place_of
from policies.redact import redact
from policies.secrets import SecretSpec, SecretStore
from policies.wire_gate import Outgoing, WireGate
from sandboxes.checkpoint import Rewindable, State

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from agent.rehearsal import Rehearser
    from sandboxes.chromium import Chromium
    from sandboxes.wire import Held, WireJudge

__all__ = ["BrowserKind", "Wanted", "interruptible", "terminable", "wired"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is made of, beyond its task."""

    policy: tuple[str, ...]
    """Presets or files; the task's own when empty."""
    approve: Approve
    headed: bool
    key: str
    """See `agent.earlier.run_key`."""
    otlp: str = ""
    tier: Tier | None = None
    """How far the operator trusts the run; None for what the task and the rules say."""
    stop_key: str = "off"
    """See `agent.red_button`."""
    anomalies: Mapping[Odd, Treatment] = field(default_factory=dict)
    """What the operator wants done about what is odd, where it is not as in `policies.narrow.ANOMALIES`."""
    same_place: str = ""
    """See `agent.earlier.same_place_key`."""
    state: State | None = None
    """A checkpoint whose storage the surface starts with."""
    site_home: Path | None = None
    """Where the demo site's own state lies, when it is that of an earlier run."""
    broker: Ahead | None = None
    """The process of this run's broker where it is up already."""
    put_back: bool = False
    """Nothing is opened, and nothing but reading may leave: the run is there to put a checkpoint back."""
    started: str = ""
    """How the run was started, as JSON: what `agent resume` needs to start it again."""
    resumes: str = ""
    """Id of the run that it goes on with."""
    counted: Mapping[str, int] = field(default_factory=dict)
    """What the broker of that run has let happen, see `policies.request.Counters`."""
    doubted: Mapping[str, str] = field(default_factory=dict)
    """What of it may not have happened, see `policies.keeper.Keeper`."""


@contextmanager
def wired(
    task: BoundTask,
    wanted: Wanted,
    folder: RunFolder,
    model: Model,
    watch: Watch,
    stop: threading.Event,
    chromium: Chromium | None = None,
) -> Iterator[Parts]:
    """Start everything a run needs and end it again, in reverse order, whatever happens.

    `chromium` is a browser that is there already: the run gets a context of its own in it, and its gate for requests.
    What it may resolve is then the caller's business.

    Raises:
        TaskError, SecretMissing, PolicyUnusable, AlertsUnusable: nothing was started; the caller's mistake.
        BrokerLost, SurfaceError, SiteError, TrailBroken, RunFolderUnwritable: the machinery.
    """
    running = threading.Event()
    wanted, rehearsing = _rehearsed_whole(task, wanted)
    with ExitStack() as stack:
        ahead = _broker_ahead(stack, wanted)
        if task.needs_site and task.site is not None:
            site = Site(task.site, wanted.site_home or folder.path / "site")
            stack.callback(site.stop)
            site.begin()  # it comes up while the browser's driver does
            if task.browser is not None and chromium is None:
                _driver(stack)
            origin = stack.enter_context(site).origin
            if wanted.state is not None:
                wanted = replace(wanted, state=wanted.state.moved(str(wanted.state.data.get("origin", "")), origin))
            task = task.with_origin(origin)
        secrets = SecretStore.load(_secret_specs(task))
        alerts = Alerts.configured()
        names, narrow = policies_of(task, wanted), narrow_of(task).meet(_operators(wanted))
        asking = way_to_ask(wanted.approve, narrow)
        broker = stack.enter_context(
            Broker(
                folder.id,
                names,
                narrow,
                wanted.approve,
                **asking,
                ahead=ahead,
                counted=wanted.counted,
                doubted=wanted.doubted,
            )
        )
        stack.enter_context(interruptible(stop, running, broker))
        told = {"task": task.name, "goal": task.goal}
        at = attended(wanted.approve, folder, told, stop, broker.interrupt, broker.public_key.hex())
        looked_on = stack.enter_context(at)
        trail = stack.enter_context(_trail(task, wanted, folder, model, broker, secrets))
        trail.event("gui.policy", {"policy": ", ".join(names), "narrow": narrow.model_dump_json()})
        if wanted.started:
            trail.event("gui.started", {"gui.started": wanted.started}, "how the run was started")
        red = stack.enter_context(red_button(wanted.stop_key, stop, broker.interrupt, _shared_mouse(task)))
        trail.event("gui.stop", body=red.said)
        stack.enter_context(trail.run_span(task.name))
        trail.event("gui.approver", {"gui.approver.key": broker.approver_key.hex()}, broker.approver)
        verifier = Verifier(broker.public_key, folder.id, broker.policy_digest, broker.approver_key)
        if alerts is not None:
            stack.callback(_count_alerts, trail, stack.enter_context(alerts))
        noticed = Noticing(trail, narrow, alerts, secrets.redactor())
        sent: list[Outgoing] = []
        wire = WireGate(
            broker, secrets.leaks, lambda outgoing: _heard(outgoing, trail, noticed, sent), secrets.redactor()
        )
        if task.desktop is not None:
            surface = _desk(task, folder, verifier, secrets, stop, red, rehearsing)
        else:
            surface = _surface(task, wanted, verifier, secrets, wire, narrow, stop, chromium)
        placed = stack.enter_context(surface)
        running.set()
        yield Parts(
            actuator=placed.actuator,
            model=Veiled(model, secrets.redactor()) if task.secrets else model,
            gate=Gate(broker, _uploads(task)),
            trail=trail,
            plan=task.plan(),
            judge=lambda seen: _judged(task, seen, placed.read_file),
            limits=Limits(task.limits.steps, task.limits.minutes, stop=stop),
            keep_frame=lambda seen: folder.put_frame(looked_on.frame(redact(seen, redactor=secrets.redactor()))),
            perception=task.perception,
            watch=looked_on.watch(watch),
            wheel=looked_on.wheel,
            stop=stop,
            rehearse=placed.rehearser,
            kept_back=wire.kept,
            noticed=noticed,
            looks=task.reconcile,
            unanswered=placed.unanswered,
            glance=placed.glance,
            sent=lambda: _taken(sent),
            keep_state=None if placed.place is None else _keeping(folder, placed.place),
            place=placed.place,
            state=wanted.state,
            start=task.browser.start if task.browser is not None else "",
            wind_up=placed.wind_up,
        )


def _broker_ahead(stack: ExitStack, wanted: Wanted) -> Ahead:
    """The broker's process, which comes up while the rest does; it gets its rules once they are known."""
    ahead = wanted.broker or Ahead(wanted.approve, broker_process(wanted.approve))
    stack.callback(ahead.close)
    return ahead


def _driver(stack: ExitStack) -> None:
    """Playwright's driver, held until the browser of the run holds it."""
    from playwright.sync_api import Error

    from sandboxes.chromium import driver

    with suppress(Error):  # the browser will say why
        driver.hold()
        stack.callback(driver.release)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A surface, and what it can do beyond acting."""

    actuator: Actuator
    rehearser: Rehearser | None = None
    place: Rewindable | None = None
    unanswered: Callable[[Collection[str]], Sequence[str]] = lambda sent: ()
    read_file: ReadFile | None = None
    glance: Callable[[Observation], Observation | None] | None = None
    wind_up: Callable[[Ending], tuple[Ending, list[str]]] | None = None


def _keeping(folder: RunFolder, place: Rewindable) -> Callable[[], str]:
    return lambda: folder.put_state(place.keep().to_bytes())


def _taken(sent: list[Outgoing]) -> tuple[Outgoing, ...]:
    """What was let go since the last call."""
    taken = tuple(sent)
    sent.clear()
    return taken


def _operators(wanted: Wanted) -> Narrow:
    """What the operator says, as limits. It names every kind of anomaly, so that a task can only be stricter."""
    sends = () if wanted.put_back else None
    never = console_origins(wanted.approve)
    return Narrow(tier=wanted.tier, anomalies={**ANOMALIES, **wanted.anomalies}, sends=sends, never=never)


def _heard(outgoing: Outgoing, trail: Trail, noticed: Noticing, sent: list[Outgoing]) -> None:
    """A request that was held, and what was odd about it."""
    trail.held(outgoing)
    noticed(outgoing.clearance)
    if outgoing.released:
        sent.append(outgoing)


def _count_alerts(trail: Trail, alerts: Alerts) -> None:
    """Wait a little for what is on its way, then write down how many alerts reached their receiver."""
    alerts.close()
    if alerts.raised:
        told = {"gui.alerts.raised": alerts.raised, "gui.alerts.delivered": alerts.delivered}
        with suppress(TrailBroken):  # whatever broke it tells more
            trail.event("gui.alerts", told, f"{alerts.delivered} of {alerts.raised} alerts were delivered")


def policies_of(task: BoundTask, wanted: Wanted) -> tuple[str, ...]:
    """The rules of a run: the operator's, else those the task was written for, else `observe`."""
    return wanted.policy or task.policy.preset or ("observe",)


def narrow_of(task: BoundTask) -> Narrow:
    """The task's limits in the words of the policies. Amounts and origins are parsed anew there."""
    block = task.policy.narrow
    given: dict[str, Any] = {
        "origins": block.origins,
        "reads": (*(block.reads or ()), *([origin_of(task.browser.start)] if task.browser else [])),
        "apps": _apps_of(task),
        "sends": block.sends,
        "recipients": block.recipients,
        "files": block.files,
        "consequences": block.consequences,
        "ask_above": block.ask_above and str(block.ask_above),
        "deny_above": block.deny_above and str(block.deny_above),
        "max_buys": block.max_buys,
        "anomalies": block.anomalies,
        "on_timeout": block.on_timeout,
        "answer_within_s": block.answer_within_s,
    }
    return Narrow.model_validate({name: value for name, value in given.items() if value is not None})


def _apps_of(task: BoundTask) -> tuple[str, ...] | None:
    """The applications that a task may touch; None where its surface has none."""
    if task.android is not None:
        return known_apps(task.android.apps)
    block = task.desktop or task.guest
    return block.apps if block is not None else None


def _uploads(task: BoundTask) -> list[Path]:
    return [Path(name) for name in task.browser.uploads] if task.browser else []


def _secret_specs(task: BoundTask) -> dict[str, SecretSpec]:
    return {
        name: SecretSpec(
            env=spec.env,
            file=Path(spec.file) if spec.file else None,
            keyring=spec.keyring,
            totp=spec.totp,
            origins=spec.origins,
            apps=spec.apps,
            fields=spec.fields or None,
        )
        for name, spec in task.secrets.items()
    }


def _judged(task: BoundTask, seen: Observation, read_file: ReadFile | None) -> tuple[list[Checked], Mapping[str, Any]]:
    checked, outputs = judged(task.success, task.outputs, seen, read_file)
    return checked, {name: output.plain() for name, output in outputs.items()}


def _trail(
    task: BoundTask, wanted: Wanted, folder: RunFolder, model: Model, broker: Broker, secrets: SecretStore
) -> Trail:
    about = About(
        task=task.name,
        goal=task.goal,
        task_digest=task.digest,
        policy=", ".join(policies_of(task, wanted)),
        policy_digest=broker.policy_digest,
        model=model.name,
        surface=task.surface,
        perception=task.perception,
        inputs=task.shown_inputs(),
        key=wanted.key,
        same_place=wanted.same_place,
        resumes=wanted.resumes,
    )
    return Trail.start(
        folder,
        about,
        sealed_by(broker),
        broker.public_key,
        secrets.redactor(),
        otlp_endpoint=wanted.otlp or None,
        prices=prices(),
    )


def _shared_mouse(task: BoundTask) -> bool:
    """Whether the agent's hand is on the mouse of a person's own X display: theirs on it is a stop then."""
    return task.desktop is not None and not task.desktop.sandbox and sys.platform not in ("win32", "darwin")


@contextmanager
def _surface(
    task: BoundTask,
    wanted: Wanted,
    verifier: Verifier,
    secrets: SecretStore,
    wire: WireGate,
    narrow: Narrow,
    stop: threading.Event,
    there: Chromium | None,
) -> Iterator[_Placed]:
    if task.android is not None:
        from agent.phone import phone

        with phone(task.android, verifier, secrets, stop) as actuator:
            yield _Placed(actuator)
        return
    if task.guest is not None:
        from agent.guest import guest

        with guest(task.guest, verifier, secrets, stop) as (actuator, read_file):
            yield _Placed(actuator, read_file=read_file)
        return
    assert task.browser is not None
    with _page(task.browser, wanted, verifier, secrets, wire, narrow, stop, there) as placed:
        yield placed


def _rehearsed_whole(task: BoundTask, wanted: Wanted) -> tuple[Wanted, bool]:
    """A sandboxed desktop without network takes back everything it does, so all of a run there is a rehearsal."""
    desktop = task.desktop
    if wanted.tier != "rehearse" or desktop is None or not desktop.sandbox or desktop.hosts:
        return wanted, wanted.tier == "rehearse"
    return replace(wanted, tier=None), True


@contextmanager
def _desk(
    task: BoundTask,
    folder: RunFolder,
    verifier: Verifier,
    secrets: SecretStore,
    stop: threading.Event,
    red: RedButton,
    rehearsing: bool,
) -> Iterator[_Placed]:
    from agent.desk import desk

    assert task.desktop is not None
    redactor = secrets.redactor()
    beside = task.path.parent
    with desk(task.desktop, beside, folder, verifier, secrets, redactor, stop, red.moves, rehearsing) as (
        actuator,
        files,
    ):
        if files is None:
            yield _Placed(actuator)
        else:
            yield _Placed(actuator, place=files.place, read_file=files.read, wind_up=files.wind_up)


@contextmanager
def _page(
    browser: BrowserSurface,
    wanted: Wanted,
    verifier: Verifier,
    secrets: SecretStore,
    wire: WireGate,
    narrow: Narrow,
    stop: threading.Event,
    there: Chromium | None,
) -> Iterator[_Placed]:
    from actuators.browser import BrowserActuator
    from agent.rehearsal import Rehearser
    from sandboxes.page_state import PageKeeper
    from sandboxes.unanswered import Unanswered

    with _context(browser, wanted, wire, narrow, there) as (chromium, context):
        unanswered = Unanswered(context)
        context.new_page()
        uploads = [Path(name) for name in browser.uploads]
        with (
            Rehearser(chromium, context, wire, secrets.leaks) as rehearser,
            BrowserActuator(context, verifier, secrets, browser.scale, uploads=uploads, halt=stop) as actuator,
        ):
            if not wanted.put_back:
                actuator.open(browser.start)
            place = PageKeeper(context, secrets.redactor())
            yield _Placed(actuator, rehearser, place, unanswered.lost, glance=actuator.glance)


@contextmanager
def _context(
    browser: BrowserSurface, wanted: Wanted, wire: WireGate, narrow: Narrow, there: Chromium | None
) -> Iterator[tuple[Chromium, BrowserContext]]:
    """A browser of the run's own, or a context of its own in one that is there; every request meets `wire`.

    What is put back from a checkpoint is put into a browser of its own.
    """
    if there is None or wanted.state is not None:
        with BrowserKind.of(browser, wanted.headed, narrow).made(wire) as started:
            yield started, started.context if wanted.state is None else _as_kept(started, browser, wanted.state)
        return
    there.wire = wire
    context = there.new_context(browser.scale, browser.viewport)
    try:
        yield there, context
    finally:
        context.close()
        there.wire = _nothing


def _as_kept(chromium: Chromium, browser: BrowserSurface, state: State) -> BrowserContext:
    """A context with the storage of a checkpoint."""
    from sandboxes.page_state import session_script

    context = chromium.new_context(browser.scale, browser.viewport, state.data["storage"])
    context.add_init_script(session_script(state.data["url"], state.data["session"]))
    return context


def _nothing(held: Held) -> bool:
    """Between two runs nothing leaves."""
    return False


@dataclass(frozen=True, slots=True)
class BrowserKind:
    """What makes a browser fit for a run; equal kinds are as good as each other."""

    viewport: tuple[int, int]
    scale: float
    locale: str
    headed: bool
    hosts: tuple[str, ...] | None

    @classmethod
    def of(cls, browser: BrowserSurface, headed: bool, narrow: Narrow) -> BrowserKind:
        return cls(browser.viewport, browser.scale, browser.locale, headed or browser.headed, _hosts(narrow))

    @classmethod
    def for_task(cls, task: BoundTask, headed: bool) -> BrowserKind | None:
        """For any run of this task, wherever its demo site will listen; None where it needs no browser."""
        if task.browser is None:
            return None
        somewhere = task.with_origin("http://127.0.0.1:1") if task.needs_site else task
        assert somewhere.browser is not None
        return cls.of(somewhere.browser, headed, narrow_of(somewhere))

    def made(self, wire: WireJudge | None = None) -> Chromium:
        """One, not started; without `wire` nothing leaves it until a run brings its own."""
        from sandboxes.chromium import Chromium

        wire = wire or _nothing
        return Chromium(self.viewport, self.scale, self.locale, self.headed, hosts=self.hosts, wire=wire)


def _hosts(narrow: Narrow) -> tuple[str, ...] | None:
    """The only hosts whose names the browser may resolve; None where a page may read from anywhere."""
    if "*" in (narrow.reads or ()):
        return None
    places = map(place_of, (*(narrow.origins or ()), *(narrow.reads or ())))
    return tuple(sorted({place.host for place in places if place is not None}))


@contextmanager
def interruptible(stop: threading.Event, running: threading.Event, broker: Broker) -> Iterator[None]:
    """Ctrl+C and SIGTERM ask a running loop to stop, and end a question to a person.

    Before `running` is set there is no loop that could be asked, so they interrupt; so does the second one.
    """

    def pressed(number: int, frame: object) -> None:
        asked = running.is_set() and not stop.is_set()
        stop.set()
        if not asked:
            raise KeyboardInterrupt
        broker.interrupt()

    with _answering(pressed):
        yield


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends what is going on as Ctrl+C does, so that it is cleaned up and not torn off."""
    with _answering(signal.default_int_handler):
        yield


@contextmanager
def _answering(handler: Callable[[int, Any], object]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
