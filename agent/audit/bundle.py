"""What a third party needs to check a run: its folder without what only its owner may see, and the verifier beside it.

A bundle never holds checkpoints of a surface (`states/`): they hold cookies.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from agent.audit.verify import Verdict
from agent.run_folder import RunFolder

__all__ = ["bundle", "otlp_lines"]

_WHOLE = ("journal.jsonl", "run.json", "task.yaml", "outputs.json", "report.html", "film.gif")

_README = """\
The trail of run {run}

journal.jsonl   one OpenTelemetry record a line, each with the hash of the one before it, signed at checkpoints
otlp.jsonl      the same records without the chain, one OTLP/JSON message a line, for viewers
frames/         the screenshots that the records name, by their SHA-256
run.json        what the run was and how it ended; task.yaml, outputs.json, report.html for people
public_key.txt  the key that must have signed: compare it with what the operator told you by another way
verify.py       the check: one file, to be read; needs Python 3.11 and the package `cryptography`
SHA256SUMS      `sha256sum -c SHA256SUMS` finds a file that was damaged on the way

Check it:

    python verify.py . --public-key {key}

When this bundle was made, the check said:

    {line}
"""


def bundle(folder: RunFolder, to: Path, verdict: Verdict) -> int:
    """Write the bundle into a new folder `to`, or into one file when its name ends in `.zip`. Returns its bytes.

    Raises:
        FileExistsError: there is something at `to` already.
        OSError: it cannot be written.
    """
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise FileExistsError(f"`{to}` exists: name a new folder or .zip file")
    sums, total = [], 0
    with _Sink(to) as sink:
        for name, data in _files(folder, verdict):
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
            total += sink.put(name, data)
        total += sink.put("SHA256SUMS", "".join(sums).encode())
    return total


def _files(folder: RunFolder, verdict: Verdict) -> Iterator[tuple[str, bytes]]:
    for name in _WHOLE:
        place = folder.path / name
        if place.is_file():
            yield name, place.read_bytes()
    for frame in sorted(folder.frames.glob("*.png")):
        yield f"frames/{frame.name}", frame.read_bytes()
    yield "otlp.jsonl", b"".join(otlp_lines(folder.journal))
    yield "public_key.txt", f"{verdict.public_key}\n".encode()
    from agent.audit import verify

    yield "verify.py", Path(verify.__file__).read_bytes()
    yield "README.txt", _README.format(run=folder.id, key=verdict.public_key, line=verdict.line()).encode()


def otlp_lines(journal: Path) -> Iterator[bytes]:
    """Every record that can be read, without its chain: one OTLP/JSON message a line, newline included."""
    for line in journal.read_bytes().split(b"\n"):
        at = line.find(b'"rec":')
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            continue
        if at >= 0:
            yield line[at + len(b'"rec":') : -1] + b"\n"


class _Sink:
    """A folder, or one zip file that appears only when it is whole."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(self._bytes, "w", zipfile.ZIP_DEFLATED) if to.suffix == ".zip" else None

    def put(self, name: str, data: bytes) -> int:
        if self._zip is not None:
            self._zip.writestr(name, data)
        else:
            place = self._to / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return len(data)

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._zip is not None:
            self._zip.close()
            if error is None:
                self._to.parent.mkdir(parents=True, exist_ok=True)
                self._to.write_bytes(self._bytes.getvalue())
