"""Chat completions of an OpenAI-compatible server: one request with its retries, its deadline and its pictures.

A picture part that carries a `uuid` is sent with its bytes once and by its name alone afterwards, as vLLM takes it; a
server that refuses such a request, or that was away in between, is sent the bytes again.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from model.base import ModelError
from model.protocols.calls import render

__all__ = ["KEY", "TRIES", "Completions"]

KEY = "OPENAI_API_KEY"
"""Environment variable of the key."""
TRIES = 4
"""Requests for one reply that fail to arrive before it is given up."""
_MOST_BYTES = 16 * 2**20
_PIECE = 65536
_LOOK_S = 0.05
"""How often the stop button is looked at while a request is under way."""
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class Completions:
    """The completions of one server. Not thread-safe, except that any thread may set `cancel`.

    Args:
        base: the address up to and with `/v1`.
        cancel: the stop button.
    """

    def __init__(self, base: str, cancel: threading.Event) -> None:
        self._base, self._cancel = base, cancel
        self._there: set[str] = set()
        """Names of the pictures whose bytes the server has been sent."""

    def ask(self, body: Mapping[str, Any], deadline: float, limit_s: float) -> tuple[str, dict[str, int]]:
        """The text of one completion and what it took, tried again with growing pauses while a failure may pass.

        Args:
            body: of the request.
            deadline: moment of the monotonic clock.
            limit_s: what the deadline came from, for messages.

        Raises:
            ModelError: the server cannot be reached, refuses, answers with something else than a chat completion, or
                nothing came by the deadline; or the stop button was pressed.
        """
        pause, problem = 0.5, ""
        for tried in range(TRIES):
            if tried and not self._waited(pause, deadline):
                break
            try:
                answer = _answer(self._posted(body, deadline, limit_s))
            except _Passing as failure:
                problem = str(failure)
                pause = failure.after if failure.after is not None else pause * 2
                self._there.clear()  # a server that was started anew has forgotten them
                continue
            self._there |= _names(body["messages"])
            return answer
        raise ModelError(f"{self._base}: {problem or 'no reply'}; gave up after {tried + 1} tries")

    def _waited(self, seconds: float, deadline: float) -> bool:
        """Pause; False where the deadline would pass first."""
        if time.monotonic() + seconds >= deadline:
            return False
        if self._cancel.wait(seconds):
            raise ModelError("stopped while waiting for the server")
        return True

    def _posted(self, body: Mapping[str, Any], deadline: float, limit_s: float) -> bytes:
        """One request: by name what the server has; with all bytes where it says that it has not."""
        if not self._there & _names(body["messages"]):
            return self._post(body, deadline, limit_s)
        try:
            thin = {**body, "messages": [_thinned(message, self._there) for message in body["messages"]]}
            return self._post(thin, deadline, limit_s)
        except _Refused:
            self._there.clear()
            return self._post(body, deadline, limit_s)

    def _post(self, body: Mapping[str, Any], deadline: float, limit_s: float) -> bytes:
        """One request, ended by the deadline or the stop button, whichever comes first.

        It runs in a thread of its own, because a socket that waits cannot look at a button. A request that is given up
        ends by itself, at the deadline or the next piece of its answer; what it brings is thrown away.
        """
        late = ModelError(f"{self._base}: no reply within {limit_s:g} s")
        if self._cancel.is_set():
            raise ModelError("stopped while waiting for the server")
        if deadline <= time.monotonic():
            raise late
        data, found = json.dumps(body).encode(), list[bytes | Exception]()
        done, given_up = threading.Event(), threading.Event()

        def ask() -> None:
            try:
                found.append(self._asked(data, deadline, late, given_up.is_set))
            except Exception as error:  # handed to the thread that waits
                found.append(error)
            done.set()

        threading.Thread(target=ask, name="model server request", daemon=True).start()
        while not done.wait(_LOOK_S):
            if self._cancel.is_set():
                given_up.set()
                raise ModelError("stopped while waiting for the server")
            if time.monotonic() > deadline:
                given_up.set()
                raise late
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def _asked(self, data: bytes, deadline: float, late: ModelError, given_up: Callable[[], bool]) -> bytes:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(f"{self._base}/chat/completions", data, headers)
        try:
            with _OPENER.open(request, timeout=max(0.01, deadline - time.monotonic())) as response:
                body = b""
                while len(body) < _MOST_BYTES and (piece := response.read1(_PIECE)):
                    body += piece
                    if given_up():
                        raise late
                return bytes(body)
        except urllib.error.HTTPError as error:
            with error:
                said = _readable(error.read(2000))[:200]
            problem = f"the server says {error.code}: {said or error.reason}"
            if error.code in _AGAIN:
                raise _Passing(problem, _seconds(error.headers.get("Retry-After"))) from None
            if error.code in (401, 403):
                problem = f"the server says {error.code}: set {KEY}"
            raise _Refused(f"{self._base}: {problem}") from None
        except TimeoutError:
            raise late from None
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            raise _Passing(f"no answer: {' '.join(str(getattr(error, 'reason', error)).split())[:150]}") from None


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key and the screen to somewhere nobody named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Nowhere, urllib.request.ProxyHandler())


class _Refused(ModelError):
    """The server understood and does not want to."""


class _Passing(Exception):
    """A failure that may be over soon."""

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None


def _answer(body: bytes) -> tuple[str, dict[str, int]]:
    """The text of a chat completion and what it took."""
    try:
        data = json.loads(body)
        text = _said(data["choices"][0]["message"])
        usage = data.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        spent = {
            "prompt": int(usage.get("prompt_tokens") or 0),
            "cached": int(details.get("cached_tokens") or 0),
            "output": int(usage.get("completion_tokens") or 0),
        }
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        shown = _readable(body[:120])
        raise _Passing(f"the answer is no chat completion: `{shown}`" if shown else "the answer is empty") from None
    return text, spent


def _readable(body: bytes) -> str:
    """One line of it without what a terminal would take as an order."""
    text = body.decode("utf-8", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _said(message: Mapping[str, Any]) -> str:
    """The text of a message. Calls that the server took out of it are put back as the family writes them."""
    text = message["content"] if isinstance(message.get("content"), str) else ""
    calls = []
    for call in message.get("tool_calls") or ():
        arguments = call["function"]["arguments"]
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
        calls.append(render(call["function"]["name"], dict(arguments)))
    return "\n".join([*([text] if text.strip() else []), *calls]) if calls else text


def _names(messages: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names of all pictures that carry one."""
    parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
    return {part["uuid"] for part in parts if "uuid" in part}


def _thinned(message: Mapping[str, Any], there: set[str]) -> dict[str, Any]:
    """A message without the bytes of pictures that are there already."""
    if not isinstance(message["content"], list):
        return dict(message)
    parts = [{**part, "image_url": None} if part.get("uuid") in there else part for part in message["content"]]
    return {**message, "content": parts}
