"""The line from a scoring jail to whoever started it: JSON, one message a line. Standard library alone.

{"ask": "http", "n": 3, "method": "POST", "url": ..., "headers": {...}, "body": BASE64, "bound_s": 90}
{"n": 3, "status": 200, "headers": {...}, "body": BASE64}    or  "file": NAME, in the folder of what is handed in
{"n": 3, "gone": "it does not answer", "late": false}        no answer came
{"ask": "postconfig", "n": 4}                                {"n": 4}  or  {"n": 4, "gone": ...}
{"did": "score", "value": 1.0, "missing": [], "wanting": []}
{"did": "error", "kind": "ValueError", "words": ...}
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any


class Line:
    """Both ends of the pipe, as this side has them. Questions are asked one at a time.

    Args:
        ears: descriptor that messages come in on.
        mouth: descriptor that they go out on.
    """

    def __init__(self, ears: int, mouth: int) -> None:
        self._ears = os.fdopen(ears, "rb")
        self._mouth = os.fdopen(mouth, "wb")
        self._turn = threading.Lock()
        self._asked = 0

    def hear(self) -> dict[str, Any] | None:
        """The next message; None when there will be none."""
        said = self._ears.readline()
        return json.loads(said) if said else None

    def say(self, **told: Any) -> None:
        self._mouth.write(json.dumps(told).encode() + b"\n")
        self._mouth.flush()

    def ask(self, what: str, **told: Any) -> dict[str, Any]:
        """Ask, and wait for the answer. Ends the program when nobody answers any more."""
        with self._turn:
            self._asked += 1
            self.say(ask=what, n=self._asked, **told)
            answer = self.hear()
            if answer is None or answer.get("n") != self._asked:
                os._exit(3)
            return answer
