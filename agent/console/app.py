"""The console's pages, as an application on one store. Everything on them that came from a screen is escaped.

What a person does is a plain form, so that it works without scripts; the scripts keep the pages fresh and give keys.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from agent.console.cards import card_of, crop, visible
from agent.console.deciding import Wish, decide, escalate
from agent.console.doors import Doors, Limiter, Refused
from agent.console.hooks import AnswerHook
from agent.console.pulse import MOST, Pulse
from agent.console.runs_view import RunsView
from agent.console.words import WORDS, refusal
from agent.store.people import Operator, Role, Session, may
from agent.store.requests import Asked
from agent.store.store import Store

__all__ = ["Proxy", "Settings", "made"]

_SHA = re.compile(r"[0-9a-f]{64}")
_STATIC = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
_SHOWN = 50
"""Cards on one page."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that has checked who comes, and says so in a header beside a secret that it shares with the console."""

    header: str
    secret: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How one console is set up."""

    origins: tuple[str, ...]
    runs: Path
    proxy: Proxy | None = None
    answers_key: str = ""
    """Shared with whoever sends answers from outside; empty: none are taken."""
    entry_tries: int = 5
    entry_s: float = 60.0
    secure: bool = field(default=False)
    """Whether the cookie goes over HTTPS only."""


def made(store: Store, key: Ed25519PrivateKey, settings: Settings) -> Doors:
    """The application, doors and all."""
    return Doors(_Console(store, key, settings).app, settings.origins, machines=("/answers",))


class _Console:
    """Holds what the routes share."""

    def __init__(self, store: Store, key: Ed25519PrivateKey, settings: Settings) -> None:
        self.store, self.key, self.settings = store, key, settings
        self.runs = RunsView(store, settings.runs)
        self.cookie = "__Host-deskhand" if settings.secure else "deskhand"
        self.entries = Limiter(settings.entry_tries, settings.entry_s)
        self.all_entries = Limiter(settings.entry_tries * 10, settings.entry_s)
        self.acts = Limiter(240, 60)
        self.pulse = Pulse(store)
        self.hook = AnswerHook(store, key, settings.answers_key)
        self.pages = _environment()
        self.app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=self._life)
        self.app.add_exception_handler(Refused, self._refused)  # type: ignore[arg-type]
        self.app.add_exception_handler(SQLAlchemyError, self._away)  # type: ignore[arg-type]
        self._routes()

    @asynccontextmanager
    async def _life(self, app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(self.pulse.go())
        try:
            yield
        finally:
            task.cancel()

    def _routes(self) -> None:
        get, post = self.app.get, self.app.post
        get("/")(lambda: RedirectResponse("/waiting", 303))
        get("/enter")(self.enter)
        post("/enter")(self.entered)
        post("/leave")(self.leave)
        get("/waiting")(self.waiting)
        get("/requests/{request_id}")(self.request)
        post("/requests/{request_id}/answer")(self.answer)
        post("/requests/{request_id}/escalate")(self.hand_over)
        get("/runs")(self.all_runs)
        get("/runs/{run}")(self.run)
        post("/runs/{run}/stop")(self.stop)
        post("/runs/{run}/drive")(self.drive)
        post("/runs/{run}/hand")(self.hand)
        get("/frames/{run}/{name}")(self.frame)
        get("/crops/{name}")(self.crop)
        get("/events")(self.events)
        get("/static/{name}")(self.static)
        post("/answers")(self.answers)

    # who comes

    def who(self, request: Request, least: Role = "viewer") -> Session:
        """Whose request this is. Raises `Refused`."""
        session = self._session(request)
        if session is None:
            raise Refused("session", 401)
        if not may(session.operator.role, least):
            raise Refused("role")
        return session

    def _session(self, request: Request) -> Session | None:
        cookie = request.cookies.get(self.cookie, "")
        if cookie and len(cookie) < 200 and (session := self.store.people.session(cookie)) is not None:
            return session
        proxy = self.settings.proxy
        if proxy is None or not _same(request.headers.get("x-deskhand-proxy", ""), proxy.secret):
            return None
        operator = self.store.people.get(request.headers.get(proxy.header, ""))
        if operator is None:
            return None
        token = hmac.new(proxy.secret.encode(), operator.name.encode(), "sha256").hexdigest()
        return Session(operator, token, "")

    async def form(self, request: Request, least: Role) -> tuple[Session, dict[str, str]]:
        """The session and the fields of a form that it sent. Raises `Refused`."""
        session = await run_in_threadpool(self.who, request, least)
        fields = _texts(await request.form(max_files=0, max_fields=20))
        if not _same(fields.get("csrf", ""), session.csrf):
            raise Refused("csrf")
        if self.acts.full(session.operator.name):
            raise Refused("limit", 429)
        self.acts.tried(session.operator.name)
        return session, fields

    # in and out

    def enter(self, request: Request, link: str = "") -> Response:
        return self._page("enter.html", None, link=link[:100], problem="")

    async def entered(self, request: Request) -> Response:
        fields = _texts(await request.form(max_files=0, max_fields=5))
        name, link = fields.get("name", "")[:80], fields.get("link", "")[:100]
        keys = (f"name {name}" if name else "", f"from {request.client.host if request.client else ''}")
        if any(self.entries.full(key) for key in keys if key) or self.all_entries.full(""):
            raise Refused("limit", 429)
        people = self.store.people
        if link:
            operator = await run_in_threadpool(people.by_link, link)
        else:
            operator = await run_in_threadpool(people.by_password, name, fields.get("password", "")[:1000])
        if operator is None:
            self.all_entries.tried("")
            for key in filter(None, keys):
                self.entries.tried(key)
            problem = refusal("link" if link else "entry")
            return self._page("enter.html", None, status=403, link="", problem=problem)
        cookie, _ = await run_in_threadpool(people.enter, operator)
        answer = RedirectResponse("/waiting", 303)
        answer.set_cookie(
            self.cookie, cookie, httponly=True, samesite="strict", secure=self.settings.secure, path="/", max_age=43_200
        )
        return answer

    async def leave(self, request: Request) -> Response:
        session, _ = await self.form(request, "viewer")
        await run_in_threadpool(self.store.people.leave, session)
        answer = RedirectResponse("/enter", 303)
        answer.delete_cookie(self.cookie, path="/")
        return answer

    # what waits

    def waiting(self, request: Request, part: str = "", done: str = "") -> Response:
        session = self.who(request)
        cards = [card_of(self.store, session.operator, one) for one in self.store.requests.waiting(_SHOWN)]
        return self._page(
            "cards.html" if part else "waiting.html",
            session,
            cards=cards,
            more=max(0, self.store.requests.count() - len(cards)) if len(cards) == _SHOWN else 0,
            others=self._others(session.operator),
            done=WORDS.get(f"done_{done}", ""),
        )

    def request(self, request: Request, request_id: str) -> Response:
        session = self.who(request)
        asked = self._asked(request_id)
        decided = self.store.requests.decided(asked.id)
        cards = [card_of(self.store, session.operator, asked)] if asked.open else []
        others = self._others(session.operator)
        return self._page(
            "request.html", session, cards=cards, more=0, others=others, done="", asked=asked, decided=decided
        )

    async def answer(self, request: Request, request_id: str) -> Response:
        session, fields = await self.form(request, "approver")
        asked = await run_in_threadpool(self._asked, request_id)
        wish = _wish(fields)
        await run_in_threadpool(decide, self.store, self.key, session.operator, asked, wish, "console")
        return RedirectResponse(f"/waiting?done={wish.answer}", 303)

    async def hand_over(self, request: Request, request_id: str) -> Response:
        session, fields = await self.form(request, "approver")
        asked = await run_in_threadpool(self._asked, request_id)
        to, why = fields.get("to", ""), fields.get("why", "")
        await run_in_threadpool(escalate, self.store, session.operator, asked, to, why)
        return RedirectResponse("/waiting?done=escalated", 303)

    def _asked(self, request_id: str) -> Asked:
        asked = self.store.requests.get(request_id[:32])
        if asked is None:
            raise Refused("gone", 404)
        return asked

    def _others(self, operator: Operator) -> list[Operator]:
        return [one for one in self.store.people.listed() if one.name != operator.name and may(one.role, "approver")]

    # runs

    def all_runs(self, request: Request, q: str = "", state: str = "", part: str = "") -> Response:
        session = self.who(request)
        rows = self.runs.listed(q[:100], state[:20])
        return self._page("rows.html" if part else "runs.html", session, rows=rows, q=q[:100], chosen=state[:20])

    def run(self, request: Request, run: str, part: str = "", done: str = "") -> Response:
        session = self.who(request)
        view = self.runs.one(run)
        if view is None:
            raise Refused("gone", 404)
        template = {"live": "live.html", "": "run.html"}.get(part, "timeline.html")
        return self._page(template, session, view=view, done=WORDS.get(f"done_{done}", ""))

    async def stop(self, request: Request, run: str) -> Response:
        session, _ = await self.form(request, "approver")
        if not await run_in_threadpool(self.runs.stop, run, session.operator.name):
            raise Refused("gone", 404)
        return RedirectResponse(f"/runs/{run}?done=stop", 303)

    async def drive(self, request: Request, run: str) -> Response:
        session, fields = await self.form(request, "approver")
        release = fields.get("release") == "yes"
        if not await run_in_threadpool(self.store.runs.drive, run[:120], session.operator.name, release):
            raise Refused("wheel", 409)
        return RedirectResponse(f"/runs/{run}?done={'release' if release else 'drive'}", 303)

    async def hand(self, request: Request, run: str) -> Response:
        session, fields = await self.form(request, "approver")
        from agent.console.hands import action_of

        action = action_of(fields)
        seen = fields.get("seen", "")
        put = self.store.runs.put_hand
        if action is None or not _SHA.fullmatch(seen):
            raise Refused("form", 400)
        if await run_in_threadpool(put, run[:120], session.operator.name, action, seen) is None:
            raise Refused("wheel", 409)
        return RedirectResponse(f"/runs/{run}", 303)

    # pictures, events, files

    def frame(self, request: Request, run: str, name: str) -> Response:
        self.who(request)
        sha, dot, ending = name.partition(".")
        png = self.runs.frame(run, sha) if _SHA.fullmatch(sha) and ending == "png" and dot else None
        return _picture(png)

    def crop(self, request: Request, name: str) -> Response:
        session = self.who(request)
        asked = self.store.requests.get(name.removesuffix(".png")[:32])
        png = self.store.runs.frame(asked.run, asked.frame) if asked is not None and asked.frame else None
        if asked is None or png is None:
            raise Refused("gone", 404)
        card = card_of(self.store, session.operator, asked)
        return _picture(crop(png, card.box, card.point))

    async def events(self, request: Request) -> Response:
        await run_in_threadpool(self.who, request)
        if self.pulse.listening >= MOST:
            raise Refused("limit", 429)
        return StreamingResponse(self.pulse.events(), media_type="text/event-stream")

    def static(self, name: str) -> Response:
        kind = _STATIC.get(name)
        if kind is None:
            raise Refused("gone", 404)
        return Response(_file(f"static/{name}"), media_type=kind, headers={"cache-control": "no-cache"})

    async def answers(self, request: Request) -> Response:
        body = await request.body()
        headers = request.headers
        given = headers.get("x-deskhand-timestamp", ""), headers.get("x-deskhand-signature", "")
        told = await run_in_threadpool(self.hook.answer, body, *given)
        return JSONResponse(told)

    # answers to a browser

    def _page(self, template: str, session: Session | None, status: int = 200, **told: Any) -> Response:
        text = self.pages.get_template(template).render(t=WORDS, session=session, **told)
        return HTMLResponse(text, status)

    async def _refused(self, request: Request, refused: Refused) -> Response:
        page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if refused.code == "session" and page:
            return RedirectResponse("/enter", 303)
        sentence = refusal(refused.code)
        if request.url.path == "/answers":
            return JSONResponse({"refused": sentence}, refused.status)
        session = await run_in_threadpool(self._session, request)
        headers = {"retry-after": "60"} if refused.status == 429 else None
        answer = self._page("refused.html", session, refused.status, sentence=sentence)
        answer.headers.update(headers or {})
        return answer

    async def _away(self, request: Request, error: SQLAlchemyError) -> Response:
        """The store does not answer: whether something was decided is not known, and that is said."""
        headers = {"retry-after": "5"}
        if request.url.path == "/answers":
            return JSONResponse({"refused": refusal("away")}, 503, headers=headers)
        answer = self._page("refused.html", None, 503, sentence=refusal("away"))
        answer.headers.update(headers)
        return answer


def _wish(fields: dict[str, str]) -> Wish:
    verb = fields.get("verb", "")
    value = fields.get("value", "") if verb == "instead" else ""
    if verb == "instead" and not value:
        raise Refused("value", 400)
    said = {"approve": "approved", "instead": "approved", "deny": "denied", "stop": "stopped"}.get(verb)
    if said is None:
        raise Refused("form", 400)
    minutes = fields.get("minutes", "") if verb == "approve" and fields.get("for_run") == "yes" else ""
    if minutes and not (minutes.isdecimal() and len(minutes) < 4):
        raise Refused("scope", 400)
    return Wish(said, fields.get("digest", ""), value, int(minutes or 0))  # type: ignore[arg-type]


def _texts(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}


def _same(given: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _picture(png: bytes | None) -> Response:
    if png is None:
        raise Refused("gone", 404)
    return Response(png, media_type="image/png", headers={"cache-control": "private, max-age=3600, immutable"})


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: _file(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown: Iterable[tuple[str, Callable[..., Any]]] = (("clock", _clock), ("seconds", _seconds))
    environment.filters.update(shown)
    return environment


def _file(name: str) -> str:
    return resources.files("agent.console").joinpath(name).read_text(encoding="utf-8")


def _clock(at: float | None) -> str:
    from datetime import UTC, datetime

    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    if value < 1:
        return f"{value * 1e3:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{int(value) // 60} min {int(value) % 60} s"
