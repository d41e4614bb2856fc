"""How the files of an overlay stood at one moment, and putting a real home back to that.

Kept is what differs from the home below: for each path its kind, mode and bytes, or that it was gone. Left out, and
said: files that hold a secret of the run, that are too large, or that are no plain file, folder or link.

Putting back is all or nothing, and only where every path is still as the run left it: what a person or a program has
changed since stays, and stands against the whole.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandboxes.changes import Changes, Stamp, stamp_of
from sandboxes.checkpoint import NotKept, State
from sandboxes.overlay import Overlay, plainly

__all__ = ["KIND", "FilesKeeper", "Return", "before_of", "put_back", "returns"]

KIND = "files"
_MOST_BYTES = 2 * 1024 * 1024
_MOST_IN_ALL = 16 * 1024 * 1024

Entry = Mapping[str, Any]


class FilesKeeper:
    """Keeps the changes of one overlay. Implements `Rewindable`.

    Args:
        clean: takes secrets out of a text; a file that it would change is not kept.
    """

    every_act = True
    """What a key does to a file is not told by the key."""

    def __init__(self, overlay: Overlay, clean: Callable[[str], str]) -> None:
        self._overlay = overlay
        self._clean = clean

    def keep(self) -> State:
        """See `Rewindable.keep`."""
        try:
            changes = self._overlay.diff()
            found = {one.path: (one.above, one.after) for one in changes.changes}
        except OSError as error:
            raise NotKept(f"the files cannot be kept: {(error.strerror or 'error').lower()}") from None
        files, left = _entries(found, self._clean)
        return State(KIND, {"home": str(self._overlay.below), "files": files}, left)

    def differs(self, state: State) -> tuple[str, ...]:
        """See `Rewindable.differs`."""
        if state.kind != KIND:
            raise NotKept(f"a `{state.kind}` is no state of files")
        now, was = self.keep().data["files"], state.data["files"]
        same = {path for path in now if path in was and now[path] == was[path]}
        return tuple(f"{path} is not as it was" for path in sorted({*now, *was} - same))


def before_of(overlay: Overlay, changes: Changes) -> State:
    """What lies in the home below at every path that is about to be made real, and what will lie there then.

    Secrets are the owner's own here: these are their files as they were before the run.
    """
    files, left = _entries({one.path: (one.below, one.before) for one in changes.changes}, lambda text: text)
    after = {one.path: None if one.after is None else asdict(one.after) for one in changes.changes}
    return State(KIND, {"home": str(overlay.below), "files": files, "after": after}, left)


@dataclass(frozen=True, slots=True)
class Return:
    """One path, what must lie there now, and what is to lie there: an entry, or None for nothing."""

    path: str
    expects: Stamp | None
    wanted: Entry | None

    def line(self) -> str:
        """For a person."""
        if self.wanted is None:
            return f"deleted again: {self.path}"
        return f"{'brought back' if self.expects is None else 'as it was'}: {self.path}"


def returns(before: State, kept: State | None) -> tuple[list[Return], tuple[str, ...]]:
    """How to get from what a run made real to how it stood at a checkpoint, or, without one, before the run.

    The second is what cannot be got back, one line each.
    """
    original, after = before.data["files"], before.data["after"]
    then: Mapping[str, Entry | None] = kept.data["files"] if kept is not None else {}
    left = {line.partition(":")[0]: line for line in (*before.left_out, *(kept.left_out if kept is not None else ()))}
    steps: list[Return] = []
    for path in sorted({*after, *then}):
        if path in left:
            continue
        if path not in after:
            left[path] = f"{path}: it was so for a while only, and nothing of it was made real"
            continue
        wanted = then[path] if path in then else original.get(path)
        expects = Stamp(**after[path]) if after[path] is not None else None
        if _stamp(wanted) != expects:
            steps.append(Return(path, expects, wanted))
    return steps, tuple(left.values())


def put_back(home: Path, steps: Sequence[Return]) -> tuple[str, ...]:
    """Do all of it, or nothing where anything stands against it. Returns what does, one line each.

    Raises:
        OSError: the disk said no; what had been done was undone.
    """
    conflicts = tuple(_conflicts(home, steps))
    if conflicts:
        return conflicts
    with tempfile.TemporaryDirectory(prefix="deskhand-back-") as aside:
        done: list[tuple[Path, Entry | None]] = []
        try:
            for step in _in_order(steps):
                place = home / step.path
                done.append((place, _entry(place, stamp_of(place))))
                _put(place, step.wanted, Path(aside))
        except OSError:
            for place, was in reversed(done):
                with suppress(OSError):
                    _put(place, was, Path(aside))
            raise
    return ()


def _conflicts(home: Path, steps: Sequence[Return]) -> Iterable[str]:
    if not home.is_dir():
        yield f"{home} is not there any more"
        return
    for step in steps:
        if step.path.startswith("/") or ".." in step.path.split("/"):
            yield f"{step.path} leads out of {home}"
        elif not plainly(home, step.path):
            yield f"{step.path} lies behind a link"
        elif stamp_of(home / step.path) != step.expects:
            yield f"{step.path} was changed since the run"


def _in_order(steps: Sequence[Return]) -> list[Return]:
    """What goes away first, the deepest first; then what comes, folders before what lies in them."""
    leaving = sorted((one for one in steps if one.wanted is None), key=lambda one: (-one.path.count("/"), one.path))
    coming = sorted((one for one in steps if one.wanted is not None), key=lambda one: (one.path.count("/"), one.path))
    return [*leaving, *coming]


def _entries(
    found: Mapping[str, tuple[Path | None, Stamp | None]], clean: Callable[[str], str]
) -> tuple[dict[str, Entry | None], tuple[str, ...]]:
    files: dict[str, Entry | None] = {}
    left: list[str] = []
    size = 0
    for path, (place, stamp) in found.items():
        entry, why = _kept(place, stamp, size, clean)
        if why:
            left.append(f"{path}: {why}")
            continue
        files[path] = entry
        size += stamp.size if stamp is not None else 0
    return files, tuple(left)


def _kept(
    place: Path | None, stamp: Stamp | None, so_far: int, clean: Callable[[str], str]
) -> tuple[Entry | None, str]:
    """What is kept of one path, or why nothing is. What is looked through for secrets is what is kept."""
    if stamp is not None and stamp.kind == "other":
        return None, "it is no plain file, folder or link"
    if stamp is not None and (stamp.size > _MOST_BYTES or so_far + stamp.size > _MOST_IN_ALL):
        return None, f"it is too large to be kept ({stamp.size} bytes)"
    try:
        entry = _entry(place, stamp)
    except FileNotFoundError:  # a program took it away meanwhile
        return None, ""
    except OSError as error:
        return None, f"it cannot be read: {(error.strerror or 'error').lower()}"
    text = base64.b64decode(entry.get("bytes", "")).decode("utf-8", "replace") if entry is not None else ""
    return (None, "it holds a secret") if clean(text) != text else (entry, "")


def _entry(place: Path | None, stamp: Stamp | None) -> Entry | None:
    if stamp is None or place is None:
        return None
    told: dict[str, Any] = {"kind": stamp.kind, "mode": stamp.mode}
    if stamp.kind == "link":
        return {**told, "target": os.fsdecode(place.readlink())}
    if stamp.kind == "file":
        return {**told, "bytes": base64.b64encode(place.read_bytes()).decode()}
    return told


def _stamp(entry: Entry | None) -> Stamp | None:
    """What `stamp_of` says of an entry that is put in its place."""
    if entry is None:
        return None
    if entry["kind"] == "link":
        return Stamp("link", 0o777, digest=hashlib.sha256(os.fsencode(entry["target"])).hexdigest())
    if entry["kind"] == "file":
        data = base64.b64decode(entry["bytes"])
        return Stamp("file", entry["mode"], len(data), hashlib.sha256(data).hexdigest())
    return Stamp(entry["kind"], entry["mode"])


def _put(place: Path, entry: Entry | None, aside: Path) -> None:
    """Make `place` what the entry says, in one step where it is a file."""
    now = place.lstat().st_mode if place.is_symlink() or place.exists() else 0
    if entry is not None and entry["kind"] == "folder":
        if now and not stat.S_ISDIR(now):
            place.unlink()
        place.mkdir(exist_ok=True)
        place.chmod(entry["mode"])
        return
    if now and stat.S_ISDIR(now):
        place.rmdir()
    elif now and (entry is None or entry["kind"] == "link"):
        place.unlink()
    if entry is None:
        return
    if entry["kind"] == "link":
        place.symlink_to(entry["target"])
        return
    made = aside / "next"
    made.write_bytes(base64.b64decode(entry["bytes"]))
    made.chmod(entry["mode"])
    beside = place.with_name(f".{place.name}.{os.getpid()}.deskhand")
    try:
        shutil.copy2(made, beside)
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
