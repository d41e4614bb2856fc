"""`agent ask`: a question about files, put to a model; the answer is printed or written. What can be refused is refused
before a model is loaded, one line each.
"""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.outcome import EXIT_CODES, USAGE

if TYPE_CHECKING:
    from model.asking.ask import Answered
    from model.asking.form import Asked, Form

__all__ = ["Question", "ask_about"]

_STYLES = ("html", "markdown")
COORDINATES = "boxes are [left, top, right, bottom] in pixels of the picture, origin top-left, half-open"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked on the command line."""

    files: tuple[Path, ...]
    question: str = ""
    form: str = "question"
    schema: Path | None = None
    model: str = "pilot"
    pages: str = ""
    style: str = ""
    """`html` or `markdown`; empty where nothing was said."""
    deadline_s: float = 600.0
    out: Path | None = None
    as_json: bool = False


def ask_about(question: Question) -> int:
    """Answer, or say in one line why not.

    Returns:
        0 answered and every check holds; 2 for what cannot be asked so; 1 where a model broke; 10 where a check of the
        answer does not hold; 21 where the model says that what was asked for is not there.
    """
    from model.asking.ask import answerer, answers, check_asked, check_model
    from model.asking.media import Unusable
    from model.base import ModelError

    try:
        form, asked = _understood(question)
        check_asked(form, asked, bool(question.style))
        check_model(question.model, form, asked)
        _writable(question.out)
    except Unusable as problem:
        return _refused(str(problem), USAGE)
    try:
        answer = answerer(question.model, form, question.deadline_s)
        found = answers(form, asked, answer)
    except Unusable as problem:
        return _refused(str(problem), USAGE)
    except ModelError as problem:
        return _refused(" ".join(str(problem).split()), EXIT_CODES["error"])
    return _given(question, form, found)


def _understood(question: Question) -> tuple[Form, Asked]:
    """The form and what it is about. Raises `Unusable`."""
    from model.asking.form import Asked
    from model.asking.forms import NAMES, form
    from model.asking.media import Unusable, open_media
    from model.asking.schemas import read_schema

    if question.form not in NAMES:
        near = difflib.get_close_matches(question.form, NAMES, n=1)
        said = f", did you mean `{near[0]}`?" if near else f", expected one of {', '.join(NAMES)}"
        raise Unusable(f"no form `{question.form}`{said}")
    if question.style not in ("", *_STYLES):
        raise Unusable(f"--format takes `html` or `markdown`, got `{question.style}`")
    if not question.deadline_s > 0:
        raise Unusable(f"--deadline takes seconds, more than none, got {question.deadline_s:g}")
    schema = read_schema(question.schema) if question.schema is not None else None
    media = open_media(question.files, question.pages)
    style = "markdown" if question.style == "markdown" else "html"
    return form(question.form), Asked(media.pictures, media, question.question, schema, style=style)  # type: ignore[arg-type]


def _writable(out: Path | None) -> None:
    """Raise `Unusable` where the answer could not be written in the end."""
    from model.asking.media import Unusable

    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise Unusable(f"--out {out}: expected a file in a folder that is there")


def _given(question: Question, form: Form, found: list[Answered]) -> int:
    """Print or write the answers; the exit code."""
    whole = question.as_json or (question.out is not None and question.out.suffix == ".json")
    text = json.dumps(_data(question, found), ensure_ascii=False, indent=2) if whole else _text(form, found)
    if question.out is None:
        print(_plain(text))
    else:
        try:
            question.out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            return _refused(f"--out {question.out}: {error.strerror or error}", EXIT_CODES["error"])
        print(f"written to {question.out}")
    problems = [problem for one in found for problem in one.read.problems]
    for problem in problems:
        print(f"does not hold: {_plain(problem)}", file=sys.stderr)
    if not any(one.read.found for one in found):
        return EXIT_CODES["infeasible"]
    return EXIT_CODES["done_unverified"] if problems else EXIT_CODES["verified"]


def _data(question: Question, found: list[Answered]) -> dict[str, Any]:
    return {
        "form": question.form,
        "model": question.model,
        "coordinates": COORDINATES,
        "answers": [
            {"of": _of(one.asked), "found": one.read.found, "answer": one.read.answer, "problems": one.read.problems}
            for one in found
        ],
    }


def _of(asked: Asked) -> list[dict[str, Any]]:
    """What an answer is about."""
    film = asked.media.recording
    if film is not None:
        width, height = film.size
        return [{"file": film.file, "width": width, "height": height, "seconds": round(film.seconds, 3)}]
    pages = [(one, {"page": one.page} if one.page is not None else {}) for one in asked.pictures]
    return [{"file": one.file, **page, "width": one.size[0], "height": one.size[1]} for one, page in pages]


def _text(form: Form, found: list[Answered]) -> str:
    """The answers for people; each under what it is about where there are several."""
    texts = [form.told(one.read.answer) for one in found]
    if len(found) == 1:
        return texts[0]
    return "\n\n".join(f"== {one.asked.pictures[0].called}\n{text}" for one, text in zip(found, texts, strict=True))


def _plain(text: str) -> str:
    """Without characters that a terminal would obey."""
    return "".join(char for char in text if char in "\n\t\u00a0\u3000" or char.isprintable())


def _refused(line: str, code: int) -> int:
    print(f"agent ask: {_plain(line)}", file=sys.stderr)
    return code
