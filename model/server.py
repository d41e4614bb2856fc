"""A model behind an OpenAI-compatible server (vLLM, SGLang, transformers serve...), as a `Model`.

The address is `http://HOST:PORT/v1#NAME`. Settings stand before the `#`:

- `?structured=vllm` and `?structured=sglang` send the protocol's grammar along as those servers take it,
  `?structured=json` the schema of a call as OpenAI's `response_format`. Without it a reply is read back, and one that
  is no move is asked for again with what was wrong with it.
- `?images=uuid` sends the bytes of a picture once for each digest and afterwards its name alone, as vLLM takes it.

The key comes from `OPENAI_API_KEY` and appears in no message and no error.

What this does not ensure: that the server runs the model it says, or keeps what it is shown to itself.
"""

from __future__ import annotations

import base64
import io
import threading
import time
import urllib.parse
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actuators.observation import Observation
from model.base import Done, Instruction, ModelError, Perception, Reply, Unreadable
from model.completions import KEY, Completions
from model.pointer import Pointer
from model.profile import Profile, default_profile
from model.protocols.calls import without_thoughts
from model.protocols.speech import speech
from model.protocols.spoken import Narrowing, Prompt

__all__ = ["Address", "ServerModel", "address"]

STRUCTURED = ("vllm", "sglang", "json")
"""How a server is told what a reply may be."""
READINGS = 3
"""Replies that are no move before the last one is handed on as `Unreadable`."""
_KEPT = 32


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and what it calls the model."""

    base: str
    name: str
    structured: str = ""
    """One of `STRUCTURED`; empty where replies are only read back."""
    uuids: bool = False
    """Whether the bytes of a picture are sent once and its name afterwards."""


def address(text: str) -> Address:
    """Take `http://HOST:PORT/v1?structured=vllm#NAME` apart.

    Raises:
        ModelError: no http address, no name, or an unknown setting.
    """
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError(f"`{text}` is no server, expected http://HOST:PORT/v1#NAME")
    if parts.username or parts.password:
        raise ModelError(f"no key belongs in an address, set {KEY} instead")
    if not parts.fragment:
        raise ModelError(f"`{text}` names no model, expected http://HOST:PORT/v1#NAME")
    given = dict(urllib.parse.parse_qsl(parts.query))
    structured, images = given.pop("structured", ""), given.pop("images", "")
    if given or structured not in ("", *STRUCTURED) or images not in ("", "uuid"):
        raise ModelError(
            f"`?{parts.query}` is no setting of a server, expected structured={'|'.join(STRUCTURED)} or images=uuid"
        )
    base = urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    return Address(base, parts.fragment, structured, bool(images))


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
        self._completions = Completions(where.base, cancel or threading.Event())
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
            text, usage = self.complete(
                messages, deadline, self._spoken.grammar(narrowing), schema=self._spoken.call_schema()
            )
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
        schema: Mapping[str, Any] | None = None,
    ) -> tuple[str, dict[str, int]]:
        """One chat completion: its text, and the tokens it took as `prompt`, `cached` and `output`.

        Args:
            messages: as the server takes them, pictures as data addresses.
            deadline: moment of the monotonic clock.
            grammar: Lark text of every legal reply; sent along where the address says that the server has a use for it.
            most_tokens: of the reply; the profile's own when None.
            schema: JSON Schema of every legal reply, for servers that keep to a schema and to no grammar.

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
        return self._completions.ask(body | self._structured(grammar, schema), deadline, profile.deadline_s)

    def _structured(self, grammar: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        """What keeps a reply in form, in the server's own words."""
        match self._where.structured:
            case "vllm" if grammar:
                return {"structured_outputs": {"grammar": grammar}}
            case "sglang" if grammar:
                return {"ebnf": "%llguidance {}\n" + grammar}
            case "json" if schema is not None:
                wanted = {"name": "reply", "strict": True, "schema": schema}
                return {"response_format": {"type": "json_schema", "json_schema": wanted}}
        return {}

    def close(self) -> None:
        """Nothing is held on the server but what it caches by itself."""
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
                    image = next(images)
                    shown: dict[str, Any] = {"type": "image_url", "image_url": {"url": self._picture(image, most)}}
                    parts.append(shown | ({"uuid": f"{image.digest}@{most}"} if self._where.uuids else {}))
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


def _corrected(text: str, problem: str) -> list[dict[str, Any]]:
    """The turns that tell a server's model what was wrong with its reply."""
    return [
        {"role": "assistant", "content": without_thoughts(text).strip()[:4000] or "(nothing)"},
        {"role": "user", "content": f"That was not readable: {problem}. Reply with one tool call in the given form."},
    ]


def _told(history: Sequence[Done]) -> list[Done]:
    from dataclasses import replace

    return [replace(step, reply=without_thoughts(step.reply).strip()) for step in history]
