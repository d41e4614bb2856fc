"""The broker: a process of its own that holds the signing key, the rules and the counters of one run.

`Broker` is its client in the agent's process. Every wait is bounded; a broker that hangs, dies or talks garbage raises
`BrokerLost`, and from then on every call does: no permit, no act. The process is a child on one half of a socket pair;
it listens nowhere, and ends as soon as the other half closes.

It does not protect against the agent's process lying about the screen, nor against another program of the same user
reading this process's memory, beyond switching core dumps and ptrace off where the system can.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from policies.channel import Channel, ChannelBroken
from policies.checkpoint import CheckpointRefused
from policies.decision import Clearance
from policies.narrow import Narrow
from policies.request import Case
from policies.rule import PolicyUnusable
from policies.sent import Sent
from policies.wire import case_to, clearance_from, sent_to

if TYPE_CHECKING:
    from policies.approver import Approver

__all__ = ["Ahead", "Approve", "Broker", "BrokerLost", "MakeApprover", "main", "seal_memory"]

Approve = Literal["tty", "deny", "console"]

MakeApprover = Callable[[Mapping[str, Any], str], "Approver"]
"""From the greeting and the digest of the policy to somebody who can be asked. Never raises."""
_START_S = 30.0
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TERM",
    "USER",
    "XDG_CONFIG_HOME",
    "AGENT_CONFIG",
    "LOGNAME",
    "SYSTEMROOT",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
)
"""Of the environment; the rest may hold the task's secrets."""


class BrokerLost(Exception):
    """The broker hangs, is dead, or answers garbage. Nothing may be done any more; the run stops."""


class Broker:
    """One broker for one run. Use as a context manager. Not thread-safe.

    Args:
        run: id of the run; permits hold for no other.
        policies: the operator's presets or paths.
        narrow: the limits of operator and task, already met.
        approve: who is asked: `tty` the controlling terminal, `deny` nobody, `console` as `process` knows how.
        approve_s: seconds a person has.
        answer_s: seconds the broker has for everything but waiting for a person.
        process: the module to start; one that calls `main` with further ways to ask.
        asking: what such a way needs to know.
        ahead: a process that was started for this before, and for nothing else.
        counted: what counts against the limits already (`policies.request.Counters`), of a run that this one goes on
            with.
        doubted: what of it may not have happened: nonce of its permit to the kind of its consequence.
    """

    def __init__(
        self,
        run: str,
        policies: Iterable[str | Path],
        narrow: Narrow | None = None,
        approve: Approve = "deny",
        approve_s: float = 60.0,
        answer_s: float = 5.0,
        process: str = "policies.broker",
        asking: Mapping[str, str] | None = None,
        ahead: Ahead | None = None,
        counted: Mapping[str, int] | None = None,
        doubted: Mapping[str, str] | None = None,
    ) -> None:
        self.run = run
        self.public_key = b""
        """32 raw bytes; empty before the start."""
        self.approver_key = b""
        """Of the second signature under what a person approved; 32 raw bytes, empty before the start."""
        self.policy_digest = ""
        self.approver = ""
        """Who will be asked: `tty`, or why nobody can be."""
        self._policies = [str(name) for name in policies]
        self._narrow = narrow or Narrow()
        self._approve = approve
        self._approve_s = approve_s
        self._answer_s = answer_s
        self._module = process
        self._asking = dict(asking or {})
        self._ahead = ahead
        self._counted = dict(counted or {})
        self._doubted = dict(doubted or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._lost = ""

    def __enter__(self) -> Self:
        """Start the process.

        Raises:
            PolicyUnusable: the policy does not load; the run must not start.
            BrokerLost: the process does not come up.
        """
        started = self._ahead or Ahead(self._approve, self._module)
        self._process, self._channel = started.taken(self._approve, self._module)
        try:
            self._greet()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process. May be called twice."""
        self._lost = self._lost or "the broker was closed"
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            _end(self._process)

    @property
    def pid(self) -> int:
        """Process id of the broker; 0 before the start."""
        return self._process.pid if self._process else 0

    def decide(self, case: Case) -> Clearance:
        """What the rules say of `case` now. Mints nothing, asks nobody, counts nothing. Raises BrokerLost."""
        return self._clearance({"ask": "decide", "case": case_to(case)}, self._answer_s)

    def clear(self, case: Case) -> Clearance:
        """Decide, ask where the rules want a person, and bring a permit if the act may happen. Raises BrokerLost."""
        return self._clearance({"ask": "clear", "case": case_to(case)}, self._with_a_person())

    def send(self, sent: Sent) -> Clearance:
        """What the rules, and a person where they want one, say of a request that waits. Raises BrokerLost."""
        return self._clearance({"ask": "send", "sent": sent_to(sent)}, self._with_a_person())

    def _with_a_person(self) -> float | None:
        """Seconds for an answer that may need a person; None where the operator lets such a question wait."""
        if self._approve == "console" and self._narrow.on_timeout == "wait":
            return None
        return self._answer_s + {"tty": 1.0, "console": 1.0, "deny": 0.0}[self._approve] * self._approve_s

    def interrupt(self) -> None:
        """End a question to a person: it counts as `denied`. Without one, nothing. Safe in a signal handler."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def void(self, nonce: str) -> bool:
        """Tell the broker that the hand refused or missed: nothing was touched. Raises BrokerLost."""
        return self._asked({"ask": "void", "nonce": nonce}, self._answer_s).get("voided") is True

    def sign(self, run: str, n: int, root: str) -> bytes:
        """Seal a journal up to record `n`: the signature over `checkpoint_bytes(run, n, root)`.

        Raises:
            CheckpointRefused: another run, or fewer records than sealed before.
            BrokerLost: as the class says.
        """
        answer = self._asked({"ask": "sign", "run": run, "n": n, "root": root}, self._answer_s)
        if "refused" in answer:
            raise CheckpointRefused(str(answer["refused"]))
        try:
            return bytes.fromhex(answer["signature"])
        except (KeyError, TypeError, ValueError):
            raise self._lose("its signature is unreadable") from None

    def _greet(self) -> None:
        hello = {
            "run": self.run,
            "policies": self._policies,
            "narrow": self._narrow.model_dump(mode="json"),
            "approve_s": self._approve_s,
            "asking": self._asking,
            "counted": self._counted,
            "doubted": self._doubted,
        }
        answer = self._asked(hello, max(_START_S, self._answer_s))
        if "unusable" in answer:
            raise PolicyUnusable(str(answer["unusable"]))
        try:
            self.public_key = bytes.fromhex(answer["public_key"])
            self.approver_key = bytes.fromhex(answer["approver_key"])
            self.policy_digest = str(answer["policy_digest"])
            self.approver = str(answer["approver"])
        except (KeyError, TypeError, ValueError):
            raise self._lose("its greeting is unreadable") from None

    def _clearance(self, message: dict[str, Any], within_s: float | None) -> Clearance:
        try:
            return clearance_from(self._asked(message, within_s))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise self._lose("its answer is unreadable") from None

    def _asked(self, message: dict[str, Any], within_s: float | None) -> dict[str, Any]:
        if self._lost or self._channel is None:
            raise BrokerLost(self._lost or "the broker was not started")
        try:
            self._channel.send(message, self._answer_s)
            answer = self._channel.receive(within_s)
        except ChannelBroken as error:
            raise self._lose(str(error)) from None
        except BaseException:
            self._lose("a call was interrupted")
            raise
        if "broken" in answer:
            raise self._lose(str(answer["broken"]))
        return answer

    def _lose(self, why: str) -> BrokerLost:
        """Never trust this process again: an answer that comes late must not meet the next question."""
        self._lost = f"the broker is lost: {why}"
        self.close()
        return BrokerLost(self._lost)


class Ahead:
    """A broker's process that is up before its run is known, and waits for its greeting. It serves one run.

    It has no key, no rules and no name until then. Closed, or taken by a `Broker`, it is used up.
    """

    def __init__(self, approve: Approve, process: str = "policies.broker") -> None:
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._kind = (approve, process)
        self._taken = False
        words = [sys.executable, "-P", "-m", process, "--fd", str(theirs.fileno()), "--approve", approve]
        with theirs:
            self._process = subprocess.Popen(
                words,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
            )

    def taken(self, approve: Approve, process: str) -> tuple[subprocess.Popen[bytes], Channel]:
        """Process and channel, once. RuntimeError when it was taken before, or asks somebody else."""
        if self._taken or self._kind != (approve, process):
            raise RuntimeError("this broker's process was started for something else")
        self._taken = True
        return self._process, self._channel

    def close(self) -> None:
        """End it unless it was taken. May be called twice."""
        if not self._taken:
            self._taken = True
            self._channel.close()
            _end(self._process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    here = str(Path(__file__).resolve().parent.parent)
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"PYTHONPATH": here}


# ---------------------------------------------------------------- the process


def main(arguments: list[str] | None = None, others: Mapping[str, MakeApprover] | None = None) -> int:
    """The broker's process: greet, then answer until the other half closes. `others` are further ways to ask."""
    import argparse

    parser = argparse.ArgumentParser(prog="policies.broker")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--approve", choices=("tty", "deny", *(others or {})), default="deny")
    options = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the agent's to handle; it
        signal.signal(number, signal.SIG_IGN)  # closes the socket then, once the end of the trail is signed
    seal_memory()
    end = socket.socket(fileno=options.fd)
    threading.Thread(target=_die_with_parent, args=(end.fileno(),), daemon=True).start()
    _serve(Channel(end), options.approve, others or {})
    return 0


def _serve(channel: Channel, approve: Approve, others: Mapping[str, MakeApprover]) -> None:
    import policies.decide
    import policies.keeper  # noqa: F401 - now, while nobody waits for it yet

    try:
        keeper, greeting = _keeper(channel.receive(None), approve, others)
        channel.send(greeting, _START_S)
        while keeper is not None:
            message = channel.receive(None)
            channel.send(_safely(keeper.answer, message), _START_S)
    except ChannelBroken:
        return


def _safely(answer: Any, message: dict[str, Any]) -> dict[str, Any]:
    """A failure inside is told, so that the run stops with a reason; it is never an allowance."""
    try:
        found: dict[str, Any] = answer(message)
        return found
    except Exception as error:
        return {"broken": f"it failed on a question: {type(error).__name__}"}


def _keeper(hello: dict[str, Any], approve: Approve, others: Mapping[str, MakeApprover]) -> tuple[Any, dict[str, Any]]:
    from policies.decide import PolicySet
    from policies.keeper import Keeper

    try:
        policies = PolicySet.load(hello["policies"], Narrow.model_validate(hello["narrow"]))
    except (PolicyUnusable, ValueError) as error:
        return None, {"unusable": str(error)}
    try:
        approver, said = _approver(hello, approve, others, policies.digest)
        carried = hello.get("counted") or {}, hello.get("doubted") or {}
        keeper = Keeper(str(hello["run"]), policies, approver, *carried)
    except Exception as error:
        return None, {"broken": f"it does not start: {type(error).__name__}: {error}"}
    keys = {"public_key": keeper.public_key.hex(), "approver_key": keeper.approver_key.hex()}
    return keeper, {**keys, "policy_digest": policies.digest, "approver": said}


def _approver(
    hello: dict[str, Any], approve: Approve, others: Mapping[str, MakeApprover], policy_digest: str
) -> tuple[Approver, str]:
    """Who is asked, and the word for it: why nobody can be where nobody can."""
    from policies.approver import DenyApprover, TtyApprover

    if approve in others:
        found = others[approve](hello, policy_digest)
        return found, found.why if isinstance(found, DenyApprover) else approve
    missing = TtyApprover.missing() if approve == "tty" else "nobody"
    return (DenyApprover(missing), missing) if missing else (TtyApprover(float(hello["approve_s"])), "tty")


def _die_with_parent(end: int) -> None:
    """Wait for the other half to close, also while a person is being asked, and end at once."""
    watch = select.poll()
    watch.register(end, getattr(select, "POLLRDHUP", select.POLLHUP))
    watch.poll()
    os._exit(0)


def seal_memory() -> None:
    """No core dumps, and no ptrace by other programs of the same user, where the system can."""
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pr_set_dumpable = 4
    ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
