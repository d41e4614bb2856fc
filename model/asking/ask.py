"""From a form, what it is about and a model's name to answers. Everything that can be refused is refused before a model
is loaded; the only place that knows which file answers for which kind of model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec

from model.asking.form import Asked, Form, OnePrompt, Read
from model.asking.forms import NAMES
from model.asking.media import Unusable
from model.asking.schemas import enforceable
from model.base import ModelError
from model.load import PILOT, PLAN, checkpoint_folder, sleeping_threads
from model.profile import Profile, read_profile

__all__ = ["Answered", "Answerer", "answerer", "answers", "check_asked", "check_model"]


@dataclass(frozen=True)
class Answered:
    """One answer and what it is about."""

    asked: Asked
    read: Read


Answerer = Callable[[Asked], Read]


def check_asked(form: Form, asked: Asked, style_given: bool = False) -> None:
    """Whether a form can take what it is asked. Raises `Unusable`."""
    count, film = len(asked.media.pictures), asked.media.recording
    if form.takes == "recording" and film is None:
        raise Unusable(f"the form `{form.name}` takes one recording, got {_many(count)}")
    if film is not None and form.takes not in ("recording", "all"):
        raise Unusable(
            f"the form `{form.name}` takes pictures, {film.file} is a recording; `question` and `when` take it"
        )
    if form.takes == "two" and count != 2:
        raise Unusable(f"the form `{form.name}` takes two pictures, before and after, got {_many(count)}")
    if form.asks == "must" and not asked.question.strip():
        raise Unusable(f"the form `{form.name}` needs --question")
    if form.fields == "must" and asked.schema is None:
        raise Unusable(f"the form `{form.name}` needs --schema FILE.json with its fields")
    if form.fields == "no" and asked.schema is not None:
        raise Unusable(f"the form `{form.name}` has a schema of its own; --schema is for `question` and `extract`")
    if style_given and not form.styles:
        raise Unusable(f"the form `{form.name}` has one format; --format is for `document`")
    form.refuse(asked)


def _many(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"


def check_model(name: str, form: Form, asked: Asked) -> None:
    """Whether a model of that name answers a form here, without loading it.

    Raises:
        Unusable: no such model, it does not do this form, or a schema that it cannot be held to.
    """
    try:
        profile = _profile(name)
    except ModelError as error:
        raise Unusable(str(error)) from None
    if profile is None:
        return
    if profile.forms is not None and form.name not in profile.forms:
        who = f"the built-in model `{PILOT}`" if name == PILOT else f"the model {name}"
        what = f"`{form.name}`" if form.name != NAMES[0] else "free questions"
        does = ", ".join(profile.forms) or "none"
        raise Unusable(
            f"{who} cannot do {what}, of the forms it does {does}; try --model with a Qwen3-VL folder or a server"
        )
    if asked.schema is not None and form.fields == "may" and isinstance(form, OnePrompt):
        problem = enforceable(form.lark(asked))
        if problem:
            raise Unusable(f"the schema cannot be enforced by constrained decoding: {problem}")


def _profile(name: str) -> Profile | None:
    """The profile of a local checkpoint; None for a server. Imports nothing heavy."""
    if name == PLAN:
        raise ModelError(
            f"the model `{PLAN}` follows plans and sees no pictures; expected `{PILOT}`, a folder or a server"
        )
    if "://" in name:
        from model.server import address

        address(name)
        return None
    return read_profile(checkpoint_folder(name))


def answerer(name: str, form: Form, deadline_s: float) -> Answerer:
    """Load a model and give back what answers one `Asked` after another.

    Raises:
        ModelError: a missing package, or a checkpoint that cannot be used.
    """
    if "://" in name:
        from model.asking.served import ServedSpeaker
        from model.server import ServerModel, address

        served = ServedSpeaker(ServerModel(address(name)), deadline_s)
        return lambda asked: form.answer(replace(asked, grid=served.grid), served.say)
    folder = checkpoint_folder(name)
    missing = [package for package in ("torch", "transformers", "llguidance") if find_spec(package) is None]
    if missing:
        raise ModelError(f"a local model needs {', '.join(missing)}: pip install 'deskhand[model]'")
    with sleeping_threads():
        from model.qwen3vl.checkpoint import load
    checkpoint = load(folder)
    if checkpoint.reader is not None and checkpoint.profile.forms is not None:
        from model.asking.byreader import FORMS, ReadingAnswerer

        if form.name in FORMS:
            reads = ReadingAnswerer(checkpoint, deadline_s)
            return lambda asked: reads.answer(form.name, asked)
    from model.asking.local import LocalSpeaker

    speaker = LocalSpeaker(checkpoint, deadline_s)
    return lambda asked: form.answer(replace(asked, grid=speaker.grid), speaker.say)


def answers(form: Form, asked: Asked, answer: Answerer) -> list[Answered]:
    """Every answer: one for each picture, or one for all.

    Raises:
        ModelError: the model broke, or a server's replies are not in form.
        Unusable: a picture that cannot be decoded.
    """
    if form.takes == "each":
        each = [replace(asked, pictures=(one,)) for one in asked.media.pictures]
    else:
        each = [replace(asked, pictures=asked.media.pictures)]
    return [Answered(one, answer(one)) for one in each]
