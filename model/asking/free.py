"""`question`: a question in free words about all that is shown; the answer is text, or JSON of a given schema."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

from model.asking.form import JSON_MARKS, Asked, Misread, OnePrompt, Read, Takes, data_of, json_reply
from model.asking.schemas import misfit
from model.protocols.spoken import schema_text

__all__ = ["Free"]

_LONGEST = 20_000


class Free(OnePrompt):
    """Any question."""

    name = "question"
    about = "a question in free words; with --schema the answer is JSON that fits it"
    takes: ClassVar[Takes] = "all"
    asks: ClassVar[Literal["may", "must"]] = "must"
    fields: ClassVar[Literal["no", "may", "must"]] = "may"
    marks = JSON_MARKS

    def prompt(self, asked: Asked) -> str:
        """The question itself."""
        if asked.schema is None:
            return asked.question
        return f"{asked.question}\nReply with JSON of this schema and nothing else: {schema_text(asked.schema)}"

    def lark(self, asked: Asked) -> str:
        """Any text, or JSON of the schema."""
        if asked.schema is not None:
            return json_reply(asked.schema)
        return rf"start: /(.|\n){{1,{_LONGEST}}}/"

    def read(self, reply: str, asked: Asked) -> Read:
        """The text, or the data."""
        if asked.schema is None:
            text = reply.strip()
            if not text:
                raise Misread("the answer is empty")
            return Read({"text": text})
        value = data_of(reply)
        problem = misfit(value, asked.schema)
        if problem:
            raise Misread(problem)
        return Read({"value": value})

    def schema(self, asked: Asked) -> dict[str, Any]:
        """`text`, or `value` of the given schema."""
        inner = {"text": {"type": "string"}} if asked.schema is None else {"value": dict(asked.schema)}
        return {"type": "object", "properties": inner, "required": list(inner), "additionalProperties": False}

    def told(self, answer: Any) -> str:
        if "text" in answer:
            return str(answer["text"])
        return json.dumps(answer["value"], ensure_ascii=False, indent=2)
