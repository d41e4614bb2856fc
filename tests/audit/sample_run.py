"""A realistic run folder, made through the trail itself: what the loop would write, without a model or a browser."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image, ImageDraw, ImageFont

from actuators.action import Action, Click, Drag, OpenUrl, PressKeys, Scroll, TypeText, Wait
from actuators.base import Settled
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Frame, Node, Observation, Target
from actuators.permit import Permit, Terms, signed_bytes
from actuators.receipt import Receipt
from agent.audit.chain import checkpoint_bytes
from agent.audit.spans import About, Trail
from agent.run_folder import RunFolder
from model.base import Act, Ask, Finish, Instruction, Reply
from policies.decision import Approval, Decision

SIZE = (1280, 800)
POLICY = "5" * 64
URL = "http://127.0.0.1:8000/flights/"
GOAL = "Book the cheapest direct flight from Zurich to Lisbon on 14 December 2026 for Ada Lovelace."


def plain(text: str) -> str:
    return text


@dataclass
class Signer:
    """A broker in one object."""

    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"k" * 32))

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def sign(self, run: str, n: int, root: bytes) -> bytes:
        return self.key.sign(checkpoint_bytes(run, n, root))

    def permit(self, run: str, step: int, action: Action, target: Target, seen: str = "0" * 64) -> Permit:
        terms = Terms(run, step, action, target.digest, seen, POLICY, f"{step:032x}", time.time(), time.time() + 30)
        body = terms.to_json()
        return Permit(body, self.key.sign(signed_bytes(body)))


def target(role: str = "button", name: str = "Search flights", box: Rect | None = None) -> Target:
    box = box or Rect(930, 250, 1130, 300)
    node = Node("n7", role, name, box, origin="http://127.0.0.1:8000")
    return Target("browser", node, box.centre, origin="http://127.0.0.1:8000", url=URL, destination=f"{URL}search")


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def page(title: str, rows: list[str], button: str = "", seed: int = 0) -> bytes:
    """A page of a small airline, as PNG."""
    image = Image.new("RGB", SIZE, "#f3f6fa")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE[0], 84), fill="#123b63")
    draw.text((48, 24), "Skylark Air", font=font(30), fill="#ffffff")
    draw.text((900, 32), "Flights    My trips    Help", font=font(20), fill="#bcd2ea")
    draw.text((48, 120), title, font=font(40), fill="#16202c")
    for at, row in enumerate(rows):
        top = 200 + at * 88
        draw.rounded_rectangle((48, top, 860, top + 70), 12, fill="#ffffff", outline="#cfd9e6", width=2)
        draw.text((76, top + 20), row, font=font(24), fill="#26323f")
    if button:
        draw.rounded_rectangle((930, 250, 1130, 300), 10, fill="#e8632b")
        draw.text((952, 262), button, font=font(22), fill="#ffffff")
    draw.text((48, 760), f"Session {seed}", font=font(16), fill="#8393a7")
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def seen_of(png: bytes, seq: int) -> Observation:
    return Observation(seq, time.time(), "browser", Screen(*SIZE), Frame(png), url=URL, title="Skylark Air")


OWN_SITE = Decision("allow", ("browse-own-site",), reason="the task's own site may be used")


@dataclass
class Pass:
    """One step of the sample."""

    goal: str
    action: Action | None
    target: Target
    before: bytes
    after: bytes
    reply: str = ""
    why: str = ""
    decision: Decision = OWN_SITE
    approval: Approval | None = None
    effect: tuple[str, ...] = ("edit",)
    status: str = "done"
    detail: str = ""


def booking() -> list[Pass]:
    """Eight steps with everything a report has to show."""
    search = page("Where to?", ["From   Zurich (ZRH)", "To   |", "Date   14 December 2026"], "Search flights", 1)
    filled = page(
        "Where to?", ["From   Zurich (ZRH)", "To   Lisbon (LIS)", "Date   14 December 2026"], "Search flights", 2
    )
    rows = [
        "LX 2086   07:10 - 09:05   EUR 214",
        "TP 931   11:40 - 13:40   EUR 189",
        "LX 2084   17:15 - 19:10   EUR 236",
    ]
    results = page("Zurich to Lisbon, 3 direct flights", rows, "Choose TP 931", 3)
    lower = page("Zurich to Lisbon, 3 direct flights", rows[1:], "Choose TP 931", 4)
    details = page(
        "Passenger", ["Name   Ada Lovelace", "Seat   14A", "Extra insurance   EUR 49   [x]"], "Add insurance", 5
    )
    pay = page(
        "Pay", ["TP 931, 14 December 2026", "Total   EUR 189.00", "Card   **** **** **** 4242"], "Pay EUR 189.00", 6
    )
    done = page("Booking confirmed", ["Reference   K7QX2M", "TP 931   11:40 - 13:40", "Ada Lovelace, seat 14A"], "", 7)
    field_to = target("textbox", "To", Rect(48, 288, 860, 358))
    return [
        Pass(
            "open the airline",
            OpenUrl(url=URL),
            target("document", "Skylark Air"),
            search,
            search,
            "open",
            effect=("move",),
        ),
        Pass(
            "type Lisbon into the To field",
            TypeText(text="Lisbon"),
            field_to,
            search,
            filled,
            "type",
            "The To field has the focus and is empty.",
        ),
        Pass(
            "search",
            Click(at=Point(1030, 275)),
            target(),
            filled,
            results,
            "left_click [805, 344]",
            "All three fields are filled, so I search.",
            effect=("submit",),
        ),
        Pass(
            "find the cheapest direct flight",
            Scroll(at=Point(450, 420), dy=240),
            target("list", "Flights", Rect(48, 200, 860, 446)),
            results,
            lower,
            "scroll",
            "More flights may be below.",
            effect=("look",),
        ),
        Pass(
            "choose it",
            Click(at=Point(1030, 275)),
            target("button", "Choose TP 931"),
            lower,
            details,
            "left_click",
            "189 euros is the least of the three.",
            effect=("edit",),
            status="done",
        ),
        Pass(
            "leave extras alone",
            Click(at=Point(1030, 275)),
            target("button", "Add insurance"),
            details,
            details,
            "left_click",
            "Insurance seems required.",
            Decision("deny", ("no-paid-extras",), reason="nothing may be added that costs money beyond the fare"),
            effect=("buy", "49.00 EUR"),
        ),
        Pass(
            "go on to payment",
            PressKeys(keys=("ctrl", "enter")),
            target("button", "Continue"),
            details,
            pay,
            "key",
            "The form is complete.",
            status="stale",
            detail="the button's text changed from Continue to Continue with insurance",
        ),
        Pass(
            "pay",
            Click(at=Point(1030, 275)),
            target("button", "Pay EUR 189.00"),
            pay,
            done,
            "left_click",
            "The total is within the limit.",
            Decision("ask", ("ask-above-100",), reason="purchases above 100 EUR want a person"),
            Approval("approved", "tty: mara", 6.4),
            ("buy", "189.00 EUR"),
        ),
    ]


def one_pass(trail: Trail, folder: RunFolder, signer: Signer, index: int, one: Pass, *, crash: bool = False) -> None:
    """What the loop writes for one step."""
    with trail.step(index, goal=one.goal):
        with trail.phase("observe") as span:
            span.saw(folder.put_frame(one.before), seen_of(one.before, index))
        if one.action is None:
            with trail.phase("chat qwen3-vl-2b") as span:
                span.replied(Instruction(GOAL, one.goal), Reply(Ask(one.why), one.reply))
            return
        with trail.phase("chat qwen3-vl-2b") as span:
            move = Act(one.action, one.why)
            span.replied(
                Instruction(GOAL, one.goal),
                Reply(move, one.reply, 0.93, prompt_tokens=2150, cached_tokens=1980, output_tokens=24),
            )
        with trail.phase("policy.decide") as span:
            span.judged(one.action, one.target, one.decision, one.effect)
        if one.approval is not None:
            with trail.phase("approval.wait") as span:
                span.answered(one.approval)
        if one.decision.verdict == "deny" or (one.approval and one.approval.answer != "approved"):
            return
        permit = signer.permit(folder.id, index, one.action, one.target, seen_of(one.before, 0).digest)
        trail.intent(index, permit, one.target, one.decision)
        if crash:
            raise KeyboardInterrupt
        now = time.time()
        performed = one.action if one.status == "done" else None
        receipt = Receipt(one.status, performed, now, now + 0.031, one.detail)  # type: ignore[arg-type]
        with trail.phase(f"execute_tool {one.action.kind}") as span:
            span.received(receipt)
        with trail.phase("settle") as span:
            span.settled(Settled(True, 0.12))
        trail.outcome(index, receipt, folder.put_frame(one.after))


def about(name: str = "book_flight", goal: str = GOAL) -> About:
    return About(
        task=name,
        goal=goal,
        task_digest="7" * 64,
        policy="browse, buy",
        policy_digest=POLICY,
        model="qwen3-vl-2b",
        surface="browser",
        perception="both",
        inputs={"origin": "Zurich", "destination": "Lisbon", "date": "2026-12-14", "passenger": "Ada Lovelace"},
    )


def make_run(
    root: Path,
    passes: list[Pass] | None = None,
    *,
    redact: Callable[[str], str] = plain,
    signer: Signer | None = None,
    every: int = 64,
    name: str = "book_flight",
) -> RunFolder:
    """A whole run that ended well."""
    signer = signer or Signer()
    passes = booking() if passes is None else passes
    folder = RunFolder.create(root, name)
    folder.put_task(f"version: 1\nname: {name}\n")
    with Trail.start(folder, about(name), signer.sign, signer.public, redact, every=every) as trail:
        with trail.run_span(name):
            for index, one in enumerate(passes):
                one_pass(trail, folder, signer, index, one)
            with trail.step(len(passes), goal="check"):
                with trail.phase("chat qwen3-vl-2b") as span:
                    span.replied(Instruction(GOAL), Reply(Finish("K7QX2M"), "terminate success"))
                with trail.phase("check") as span:
                    span.set(check="text", passed=True, detail="contains Booking confirmed")
        outputs = {"reference": "K7QX2M", "total": "189.00 EUR"}
        trail.end("verified", 0, detail="all 1 checks hold", steps=len(passes) + 1, outputs=outputs)
    return folder


def make_crash(root: Path, redact: Callable[[str], str] = plain) -> RunFolder:
    """A run killed in the middle of paying: an intent without an outcome, nothing closed, `run.json` says running."""
    signer, passes = Signer(), booking()
    folder = RunFolder.create(root, "book_flight")
    trail = Trail.start(folder, about(), signer.sign, signer.public, redact)
    for index, one in enumerate([passes[1], passes[2]]):
        one_pass(trail, folder, signer, index, one)
    try:
        one_pass(trail, folder, signer, 2, passes[7], crash=True)
    except KeyboardInterrupt:
        trail._journal.abandon()
    return folder


def tiny_run(root: Path, *, every: int = 6) -> RunFolder:
    """As short as a whole run can be: two acts, two small frames."""
    small = [_dot("red"), _dot("blue")]
    passes = [
        Pass("a", Click(at=Point(1, 2)), target(), small[0], small[1], "x"),
        Pass("b", Drag(start=Point(1, 1), end=Point(5, 5)), target(), small[1], small[0], "y"),
    ]
    return make_run(root, passes, every=every, name="tiny")


def smallest_run(root: Path) -> RunFolder:
    """One act and nothing around it, so that every byte of its journal can be tried."""
    signer, folder = Signer(), RunFolder.create(root, "s")
    with Trail.start(folder, About("s"), signer.sign, signer.public, plain) as trail:
        wait, nothing = Wait(), Target("fake", None, None)
        trail.intent(0, signer.permit(folder.id, 0, wait, nothing), nothing, Decision("allow"))
        trail.outcome(0, Receipt("done", wait, 1.0, 2.0))
        trail.end("verified", 0)
    return folder


def _dot(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "PNG")
    return out.getvalue()
