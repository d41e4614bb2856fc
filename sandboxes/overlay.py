"""A home folder whose changes lie aside: what was created, changed and deleted can be seen, made real, or thrown away.

Two ways, of which `Overlay.way` names the one in use. `kernel`: overlayfs, mounted in the namespace of whoever starts
with `Overlay.prefix`; the folder below is never copied. `copy`: the folder is copied first, where the kernel allows no
overlay; only small folders can be used so. In both, nothing reaches the folder below but by `commit`.

What this does not protect against: whoever changes the folder below while the overlay is in use sees a conflict at
`commit`, but programs inside may have read either. Times, owners and extended attributes of files are not kept.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from sandboxes.base import SandboxUnavailable
from sandboxes.changes import Change, Changes, Stamp, stamp_of, told_by

__all__ = ["Committed", "Overlay", "kernel_allows", "plainly"]

_MOST_FILES, _MOST_BYTES = 20_000, 512 * 2**20
"""Beyond this a folder is not copied."""
_OPTIONS = "lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off,index=off"
_MOUNT = 'cd "$1" && mount -t overlay overlay -o "$2" merged && shift 2 && exec "$@"'
"""Constant text; folder, options and command come as arguments."""
NOISE = (".cache", ".dbus", ".Xauthority", ".local/share/recently-used.xbel", ".local/share/gvfs-metadata")
"""What programs write for themselves; neither shown nor made real."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became real, or why nothing did."""

    paths: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    """One line each; when there is any, nothing was touched."""

    @property
    def ok(self) -> bool:
        return not self.conflicts


class Overlay:
    """One folder seen through an overlay.

    Args:
        below: the folder; None for an empty one.
        folder: where the changes are kept; made if missing.
        way: `kernel` or `copy`; the kernel's where it allows it when left out.

    Raises:
        SandboxUnavailable: the folder is not there, or there is only copying and it is too large for that.
    """

    def __init__(self, below: Path | None, folder: Path, way: Literal["kernel", "copy", ""] = "") -> None:
        if below is not None and not below.is_dir():
            raise SandboxUnavailable(f"`{below}` is no folder that could be the home of a sandbox")
        self._folder = folder.absolute()
        for name in ("upper", "work", "merged", "empty"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        self._below = below.resolve() if below is not None else self._folder / "empty"
        self.way: Literal["kernel", "copy"] = way or ("kernel" if kernel_allows(self._folder) else "copy")
        self._known: dict[str, Stamp] = {}
        if self.way == "copy":
            self._copy()
        else:
            (self._folder / "lower").unlink(missing_ok=True)
            (self._folder / "lower").symlink_to(self._below)
        self._began_ns = _now_ns(self._folder)

    @property
    def below(self) -> Path:
        return self._below

    @property
    def home(self) -> Path:
        """The folder as it is seen inside; with `kernel` only by whoever started with `prefix`."""
        return self._folder / "merged"

    @property
    def prefix(self) -> tuple[str, ...]:
        """Put before a command so that `home` is the overlay for it; empty where it is anyway."""
        if self.way == "copy":
            return ()
        return (*_alone(), "sh", "-c", _MOUNT, "sh", str(self._folder), _options())

    def diff(self) -> Changes:
        """What is different now from the folder below, in the order of the paths."""
        found = self._of_copy() if self.way == "copy" else self._of_upper("")
        kept: list[Change] = []
        noise = 0
        for one in sorted(found, key=lambda one: one.path):
            if any(one.path == name or one.path.startswith(f"{name}/") for name in NOISE):
                noise += 1
            elif one.before != one.after:
                kept.append(one)
        return Changes(tuple(kept), noise)

    def read(self, path: str) -> bytes | None:
        """A file as it is seen inside; None where there is none. `path` is relative to the home, or leads nowhere.

        Symbolic links are not followed: a file behind one is none.
        """
        parts = _parts(path)
        if parts is None:
            return None
        seen = self._seen("/".join(parts))
        stamp = stamp_of(seen) if seen is not None else None
        return told_by(seen) if seen is not None and stamp is not None and stamp.kind == "file" else None

    def commit(self, shown: Changes) -> Committed:
        """Make exactly what was shown real: all of it, or nothing where anything stands against it.

        Raises:
            OSError: the disk said no; what had been done was taken back.
        """
        conflicts = tuple(self._conflicts(shown))
        if conflicts:
            return Committed(conflicts=conflicts)
        undo = Path(tempfile.mkdtemp(prefix="undo-", dir=self._folder))
        done: list[tuple[Change, Path | None]] = []
        try:
            for number, change in enumerate(_in_order(shown.changes)):
                kept = self._set_aside(change, undo / str(number))
                done.append((change, kept))
                self._make_real(change)
        except OSError:
            for change, kept in reversed(done):
                self._take_back(change, kept)
            raise
        finally:
            shutil.rmtree(undo, ignore_errors=True)
        return Committed(tuple(change.path for change in shown.changes))

    def discard(self) -> None:
        """Forget every change. May be called twice. Whoever has it mounted must have ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    # Looking

    def _seen(self, path: str) -> Path | None:
        """Where the file that is seen at `path` really lies."""
        if self.way == "copy":
            place = self._folder / "merged" / path
            return place if plainly(self._folder / "merged", path) and _exists(place) else None
        above = self._folder / "upper"
        so_far: list[str] = []
        for part in path.split("/"):
            so_far.append(part)
            here = above.joinpath(*so_far)
            if not _exists(here):
                break
            if _is_whiteout(here) or (here.is_symlink() and len(so_far) < path.count("/") + 1):
                return None
            if here.is_dir() and _is_opaque(here):
                inside = above / path
                return inside if _exists(inside) and not _is_whiteout(inside) else None
        else:
            return above / path
        place = self._below / path
        return place if plainly(self._below, path) and _exists(place) else None

    def _of_upper(self, folder: str) -> Iterator[Change]:
        """Changes below one folder of the upper layer; `folder` is relative, empty for the top."""
        for entry in _entries(self._folder / "upper" / folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            above, below = Path(entry.path), self._below / path
            if _is_whiteout(above):
                yield from self._gone(path)
            elif entry.is_dir(follow_symlinks=False):
                yield from self._of_folder(path, above, below)
            else:
                if below.is_dir() and not below.is_symlink():
                    yield from self._gone(path, but_itself=True)
                yield self._change(path, below, above)

    def _of_folder(self, path: str, above: Path, below: Path) -> Iterator[Change]:
        there = below.is_dir() and not below.is_symlink()
        if not there:
            yield self._change(path, below, above)
        elif _is_opaque(above):
            for name in sorted(_names(below) - _names(above)):
                yield from self._gone(f"{path}/{name}")
        yield from self._of_upper(path)

    def _gone(self, path: str, but_itself: bool = False) -> Iterator[Change]:
        """A path that is not there any more, with everything below it."""
        below = self._below / path
        if not _exists(below):
            return
        if below.is_dir() and not below.is_symlink():
            for name in sorted(_names(below)):
                yield from self._gone(f"{path}/{name}")
        if not but_itself:
            yield self._change(path, below, None)

    def _change(self, path: str, below: Path, above: Path | None) -> Change:
        before, after = stamp_of(below), stamp_of(above) if above is not None else None
        return Change(path, before, after, below if before else None, above if after else None)

    def _of_copy(self) -> Iterator[Change]:
        merged = self._folder / "merged"
        now = {path: merged / path for path in _walk(merged)}
        for path in sorted({*now, *self._known}):
            before = self._known.get(path)
            after = stamp_of(now[path]) if path in now else None
            if before != after:
                below = self._below / path
                yield Change(path, before, after, below if before else None, now.get(path))

    # Making real

    def _conflicts(self, shown: Changes) -> Iterator[str]:
        for change in shown.changes:
            below, above = self._below / change.path, self._seen(change.path)
            if change.after is not None and change.after.kind == "other":
                yield f"{change.path} is no plain file, folder or link"
            elif not plainly(self._below, change.path):
                yield f"{change.path} lies behind a link"
            elif (stamp_of(above) if above else None) != change.after:
                yield f"{change.path} has changed in the sandbox since it was shown"
            elif stamp_of(below) != change.before or self._touched(below, change):
                yield f"{change.path} was changed outside the sandbox meanwhile"

    def _touched(self, below: Path, change: Change) -> bool:
        """Whether a file below was written since the overlay began. A folder's time says only that its list changed."""
        with suppress(OSError):
            found = below.lstat()
            return not stat.S_ISDIR(found.st_mode) and found.st_ctime_ns > self._began_ns
        return change.before is not None

    def _set_aside(self, change: Change, place: Path) -> Path | None:
        """A copy of what is there now, to be put back if something fails."""
        below = self._below / change.path
        if change.before is None or change.before.kind == "folder":
            return None
        shutil.copy2(below, place, follow_symlinks=False)
        return place

    def _make_real(self, change: Change) -> None:
        below = self._below / change.path
        after = change.after
        if after is None:
            below.rmdir() if change.before and change.before.kind == "folder" else below.unlink()
        elif after.kind == "folder":
            if change.before is not None and change.before.kind != "folder":
                below.unlink()
            below.mkdir(exist_ok=True)
            below.chmod(after.mode)
        else:
            if change.before is not None and change.before.kind == "folder":
                below.rmdir()
            assert change.above is not None
            _replace(change.above, below, after)

    def _take_back(self, change: Change, kept: Path | None) -> None:
        below = self._below / change.path
        with suppress(OSError):
            if kept is not None:
                if below.is_dir() and not below.is_symlink():
                    below.rmdir()
                below.unlink(missing_ok=True)
                shutil.copy2(kept, below, follow_symlinks=False)
            elif change.before is not None:
                below.mkdir(exist_ok=True)
                below.chmod(change.before.mode)
            elif below.is_dir() and not below.is_symlink():
                below.rmdir()
            else:
                below.unlink(missing_ok=True)

    def _copy(self) -> None:
        files = size = 0
        for path in _walk(self._below):
            found = (self._below / path).lstat()
            files, size = files + 1, size + found.st_size
            if files > _MOST_FILES or size > _MOST_BYTES:
                said = f"more than {_MOST_FILES} files or {_MOST_BYTES // 2**20} MiB"
                raise SandboxUnavailable(
                    f"this kernel allows no overlay here, and `{self._below}` holds {said}: name a smaller `home`"
                )
            kept = stamp_of(self._below / path)
            if kept is not None:
                self._known[path] = kept
        shutil.copytree(self._below, self.home, symlinks=True, dirs_exist_ok=True)


def kernel_allows(folder: Path) -> bool:
    """Whether an overlay can be mounted whose changes are kept in `folder`'s file system."""
    folder.mkdir(parents=True, exist_ok=True)
    return _allows(folder.stat().st_dev, str(folder))


@lru_cache(maxsize=32)
def _allows(device: int, folder: str) -> bool:
    """Tried once for each file system."""
    if not (shutil.which("unshare") and shutil.which("mount")):
        return False
    with tempfile.TemporaryDirectory(prefix="overlay-", dir=folder) as tried:
        for name in ("lower", "upper", "work", "merged"):
            (Path(tried) / name).mkdir()
        (Path(tried) / "lower" / "a").write_text("a")
        script = ("sh", "-c", _MOUNT, "sh", tried, _options(), "sh", "-c", 'echo b >> "$1"', "sh", f"{tried}/merged/a")
        with suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run([*_alone(), *script], capture_output=True, timeout=10, check=False)
            return done.returncode == 0 and (Path(tried) / "upper" / "a").exists()
    return False


def _alone() -> tuple[str, ...]:
    """A mount namespace of one's own; for those who are not root a user namespace with it."""
    start = ("unshare", "--mount", "--propagation", "private")
    return start if os.geteuid() == 0 else (*start, "--user", "--map-root-user")


def _options() -> str:
    return _OPTIONS if os.geteuid() == 0 else f"{_OPTIONS},userxattr"


def _is_whiteout(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:  # a program took it away meanwhile
        return False
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, in order; nothing where a program took the folder away meanwhile."""
    try:
        return sorted(os.scandir(folder), key=lambda one: one.name)
    except FileNotFoundError:
        return []


def _is_opaque(path: Path) -> bool:
    for name in ("trusted.overlay.opaque", "user.overlay.opaque"):
        with suppress(OSError):
            if os.getxattr(path, name) == b"y":
                return True
    return False


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _parts(path: str) -> list[str] | None:
    """The names of a relative path; None for one that leads out."""
    parts = [part for part in path.removeprefix("~/").split("/") if part not in ("", ".")]
    return None if not parts or ".." in parts or path.startswith("/") or "\0" in path else parts


def plainly(root: Path, path: str) -> bool:
    """Whether every folder on the way to `path` is none reached through a link."""
    parts = path.split("/")
    return not any(root.joinpath(*parts[:count]).is_symlink() for count in range(1, len(parts)))


def _names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


def _walk(root: Path) -> Iterator[str]:
    for entry in _entries(root):
        yield entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from (f"{entry.name}/{below}" for below in _walk(Path(entry.path)))


def _in_order(changes: tuple[Change, ...]) -> Iterator[Change]:
    """What goes away first, the deepest first; then what comes, folders before what lies in them."""
    leaving = [one for one in changes if one.after is None]
    coming = [one for one in changes if one.after is not None]
    yield from sorted(leaving, key=lambda one: (-one.path.count("/"), one.path))
    yield from sorted(coming, key=lambda one: (one.path.count("/"), one.path))


def _replace(source: Path, place: Path, wanted: Stamp) -> None:
    """Put a copy of `source` at `place` in one step, on the disk before it is there."""
    if wanted.kind == "link":
        beside = place.parent / f".{place.name}.{os.getpid()}.deskhand"
        beside.symlink_to(source.readlink())
        beside.replace(place)
        return
    handle, name = tempfile.mkstemp(prefix=".deskhand-", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as copy, source.open("rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        Path(name).chmod(wanted.mode)
        if stamp_of(Path(name)) != wanted:
            raise OSError(f"{place} is not what was shown")
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _now_ns(folder: Path) -> int:
    """The time by the clock that stamps files."""
    with tempfile.NamedTemporaryFile(dir=folder) as marker:
        return os.fstat(marker.fileno()).st_ctime_ns
