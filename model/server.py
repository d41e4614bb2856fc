"""A model behind an OpenAI-compatible server (vLLM, SGLang, transformers serve...), as a `Model`.

The address is `http://HOST:PORT/v1#NAME`; `?structured=vllm` sends the protocol's grammar along as vLLM's
`structured_outputs`. Without it a reply is read back, and one that is no move is asked for again with what was wrong
with it. The key comes from `OPENAI_API_KEY` and appears in no message and no error.

What this does not ensure: that the server runs the model it says, or keeps what it is shown to itself.
"""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actuators.observation import Observation
from model.base import Done, Instruction, ModelError, Perception, Reply, Unreadable
from model.pointer import Pointer
from model.profile import Profile, default_profile
from model.protocols.calls import without_thoughts
from model.protocols.speech import speech
from model.protocols.spoken import Narrowing, Prompt

__all__ = ["Address", "ServerModel", "address"]

TRIES = 4
"""Requests for one reply that fail to arrive before it is given up."""
READINGS = 3
"""Replies that are no move before the last one is handed on as `Unreadable`."""
_MOST_BYTES = 16 * 2**20
_KEPT = 32
_KEY = "OPENAI_API_KEY"
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and what it calls the model."""

    base: str
    name: str
    structured: str = ""


def address(text: str) -> Address:
    """Take `http://HOST:PORT/v1?structured=vllm#NAME` apart.

    Raises:
        ModelError: no http address, no name, or an unknown setting.
    """
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError(f"`{text}` is no server, expected http://HOST:PORT/v1#NAME")
    if parts.username or parts.password:
        raise ModelError(f"no key belongs in an address, set {_KEY} instead")
    if not parts.fragment:
        raise ModelError(f"`{text}` names no model, expected http://HOST:PORT/v1#NAME")
    given = dict(urllib.parse.parse_qsl(parts.query))
    structured = given.pop("structured", "")
    if given or structured not in ("", "vllm"):
        raise ModelError(f"`?{parts.query}` is no setting of a server, expected ?structured=vllm or nothing")
    base = urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    return Address(base, parts.fragment, structured)


class ServerModel:
    """One conversation with a server. Not thread-safe, except that any thread may set `cancel`.

    Args:
        where: the server.
        profile: how the checkpoint behind it wants to be used; by its name's edition when None.
        cancel: the stop button, looked at before every request and while waiting for the next.
    """

    def __init__(self, where: Address, profile: Profile | None = None, cancel: threading.Event | None = None) -> None:
        self._where = where
        chosen = profile or default_profile(thinking="thinking" in where.name.lower())
        self.profile = chosen.model_copy(update={"zooms": 0})  # a crop is cut where the checkpoint is
        self._spoken = speech(self.profile)
        self._cancel = cancel or threading.Event()
        self._pointer = Pointer()
        self._pictures: OrderedDict[str, str] = OrderedDict()
        self._closed = False

    @property
    def name(self) -> str:
        return self._where.name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """One move. Ends by `profile.deadline_s`.

        Raises:
            ModelError: the server cannot be reached, refuses, answers with something else than a chat completion, or
                nothing came by the deadline.
        """
        if self._closed:
            raise ModelError("the model is closed")
        began = time.monotonic()
        deadline = began + self.profile.deadline_s
        pointer = self._pointer.now(history, seen.screen)
        prompt = self._spoken.prompt(asked, _told(history), seen, perception, self.profile.turns)
        messages = self._messages(prompt, perception)
        narrowing = Narrowing(unfinished=asked.unfinished, pointer=pointer is not None, answer=asked.answer)
        spent: dict[str, int] = {"prompt": 0, "cached": 0, "output": 0}
        for reading in range(READINGS):
            text, usage = self.complete(messages, deadline, self._spoken.grammar(narrowing))
            for key, value in usage.items():
                spent[key] = spent[key] + value if key == "output" else value
            moves = self._spoken.moves(text, seen.screen, pointer, len(prompt.images))
            if not isinstance(moves[0], Unreadable) or reading == READINGS - 1:
                break
            messages = [*messages, *_corrected(text, moves[0].problem)]
        self._pointer.hope(moves[0], len(history), seen.screen)
        return Reply(
            move=moves[0],
            text=text,
            prompt_tokens=spent["prompt"],
            cached_tokens=spent["cached"],
            output_tokens=spent["output"],
            seconds=time.monotonic() - began,
            shown=tuple(image.digest for image in prompt.images),
            then=moves[1:],
        )

    def complete(
        self,
        messages: Sequence[Mapping[str, Any]],
        deadline: float,
        grammar: str = "",
        most_tokens: int | None = None,
    ) -> tuple[str, dict[str, int]]:
        """One chat completion: its text, and the tokens it took as `prompt`, `cached` and `output`.

        Args:
            messages: as the server takes them, pictures as data addresses.
            deadline: moment of the monotonic clock.
            grammar: Lark text of every legal reply; sent along where the address says that the server has a use for it.
            most_tokens: of the reply; the profile's own when None.

        Raises:
            ModelError: as `propose`.
        """
        sampling, profile = self.profile.sampling, self.profile
        body: dict[str, Any] = {
            "model": self._where.name,
            "messages": messages,
            "max_tokens": (most_tokens or profile.max_new_tokens) + profile.think_budget * profile.thinking,
            "temperature": 0.0 if sampling.greedy else sampling.temperature,
            "seed": sampling.seed,
        }
        if not sampling.greedy:
            body["top_p"] = sampling.top_p
        if self._where.structured == "vllm" and grammar:
            body["structured_outputs"] = {"grammar": grammar}
        return self._sent(json.dumps(body).encode(), deadline)

    def close(self) -> None:
        """Nothing is held on the server."""
        self._closed = True
        self._pictures.clear()

    def _messages(self, prompt: Prompt, perception: Perception) -> list[dict[str, Any]]:
        images = iter(prompt.images)
        most = self.profile.max_pixels.both if perception == "both" else self.profile.max_pixels.pixels
        found = []
        for message in prompt.messages:
            parts = []
            for part in message["content"]:
                if part["type"] == "image":
                    url = self._picture(next(images), most)
                    parts.append({"type": "image_url", "image_url": {"url": url}})
                else:
                    parts.append({"type": "text", "text": part["text"]})
            alone = len(parts) == 1 and parts[0]["type"] == "text"
            found.append({"role": message["role"], "content": parts[0]["text"] if alone else parts})
        return found

    def _picture(self, seen: Observation, most: int) -> str:
        """The screenshot as a data address, made once for each digest; shrunk where the profile shows less."""
        key = f"{seen.digest}@{most}"
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        from model.looking import image_of

        image = image_of(seen.frame)
        png, area = seen.frame.png, image.width * image.height
        if area > most:
            shrink = (most / area) ** 0.5
            size = (max(1, int(image.width * shrink)), max(1, int(image.height * shrink)))
            buffer = io.BytesIO()
            image.resize(size).save(buffer, "png")
            png = buffer.getvalue()
        self._pictures[key] = "data:image/png;base64," + base64.b64encode(png).decode()
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        return self._pictures[key]

    def _sent(self, data: bytes, deadline: float) -> tuple[str, dict[str, int]]:
        """One request, tried again with growing pauses while the failure may pass."""
        pause, problem = 0.5, ""
        for tried in range(TRIES):
            if tried and not self._waited(pause, deadline):
                break
            try:
                return _answer(self._post(data, deadline))
            except _Passing as failure:
                problem = str(failure)
                pause = failure.after if failure.after is not None else pause * 2
        raise ModelError(f"{self._where.base}: {problem or 'no reply'}; gave up after {tried + 1} tries")

    def _waited(self, seconds: float, deadline: float) -> bool:
        """Pause; False where the deadline would pass first."""
        if time.monotonic() + seconds >= deadline:
            return False
        if self._cancel.wait(seconds):
            raise ModelError("stopped while waiting for the server")
        return True

    def _post(self, data: bytes, deadline: float) -> bytes:
        if self._cancel.is_set():
            raise ModelError("stopped while waiting for the server")
        left = deadline - time.monotonic()
        if left <= 0:
            raise ModelError(f"{self._where.base}: no reply within {self.profile.deadline_s:g} s")
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(_KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(f"{self._where.base}/chat/completions", data, headers)
        try:
            with _OPENER.open(request, timeout=left) as response:
                return bytes(response.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                said = " ".join(error.read(2000).decode("utf-8", "replace").split())[:200]
            problem = f"the server says {error.code}: {said or error.reason}"
            if error.code in _AGAIN:
                raise _Passing(problem, _seconds(error.headers.get("Retry-After"))) from None
            if error.code in (401, 403):
                problem = f"the server says {error.code}: set {_KEY}"
            raise ModelError(f"{self._where.base}: {problem}") from None
        except TimeoutError:
            raise ModelError(f"{self._where.base}: no reply within {self.profile.deadline_s:g} s") from None
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise _Passing(f"no answer: {' '.join(str(getattr(error, 'reason', error)).split())[:150]}") from None


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key and the screen to somewhere nobody named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Nowhere, urllib.request.ProxyHandler())


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
        text = data["choices"][0]["message"]["content"]
        usage = data.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        spent = {
            "prompt": int(usage.get("prompt_tokens") or 0),
            "cached": int(details.get("cached_tokens") or 0),
            "output": int(usage.get("completion_tokens") or 0),
        }
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        shown = " ".join(body[:120].decode("utf-8", "replace").split())
        raise _Passing(f"the answer is no chat completion: `{shown}`" if shown else "the answer is empty") from None
    return (text if isinstance(text, str) else ""), spent


def _corrected(text: str, problem: str) -> list[dict[str, Any]]:
    """The turns that tell a server's model what was wrong with its reply."""
    return [
        {"role": "assistant", "content": without_thoughts(text).strip()[:4000] or "(nothing)"},
        {"role": "user", "content": f"That was not readable: {problem}. Reply with one tool call in the given form."},
    ]


def _told(history: Sequence[Done]) -> list[Done]:
    from dataclasses import replace

    return [replace(step, reply=without_thoughts(step.reply).strip()) for step in history]
