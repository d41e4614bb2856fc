"""A home whose changes lie aside, in both ways: seen, made real exactly, refused on conflict, thrown away."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandboxes.base import SandboxUnavailable
from sandboxes.overlay import Overlay, kernel_allows


def home(folder: Path) -> Path:
    below = folder / "home"
    (below / "docs" / "deep").mkdir(parents=True)
    (below / "a.txt").write_text("one\ntwo\n")
    (below / "b.txt").write_text("bye\n")
    (below / "docs" / "deep" / "x").write_text("x")
    (below / "gone").mkdir()
    (below / "gone" / "z").write_text("z")
    time.sleep(0.02)  # a file that was written in the same tick as the start counts as changed meanwhile
    return below


@pytest.fixture(params=["kernel", "copy"])
def overlay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Overlay]:
    if request.param == "kernel" and not kernel_allows(tmp_path):
        pytest.skip("this kernel allows no overlay here")
    yield Overlay(home(tmp_path), tmp_path / "aside", request.param)


def inside(overlay: Overlay, script: str) -> None:
    subprocess.run([*overlay.prefix, "sh", "-ec", f'cd "$1"; {script}', "sh", str(overlay.home)], check=True)


MANY = (
    "echo three >> a.txt; rm b.txt; mkdir new; printf 'caf\\303\\251\\n' > new/c.txt; rm -r gone; rm -r docs/deep; "
    "mkdir docs/deep; echo q > docs/deep/q; ln -s /etc/passwd link; mkdir .cache; touch .cache/noise; chmod 700 new"
)


def tree(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_every_kind_of_change_is_told_and_nothing_below_has_changed(overlay: Overlay) -> None:
    before = tree(overlay.below)
    inside(overlay, MANY)
    changes = overlay.diff()
    assert [(one.kind, one.path) for one in changes.changes] == [
        ("changed", "a.txt"),
        ("deleted", "b.txt"),
        ("created", "docs/deep/q"),
        ("deleted", "docs/deep/x"),
        ("deleted", "gone"),
        ("deleted", "gone/z"),
        ("created", "link"),
        ("created", "new"),
        ("created", "new/c.txt"),
    ]
    assert changes.noise > 0
    lines = changes.lines()
    assert lines[:4] == ["changed a.txt (14 bytes)", "  @@ -2 +2,2 @@", "   two", "  +three"]
    assert "created link link -> /etc/passwd" in lines and "  +café" in lines
    assert tree(overlay.below) == before


def test_nothing_changed_is_said_so(overlay: Overlay) -> None:
    inside(overlay, "touch a.txt; cat b.txt > /dev/null; printf 'bye\\n' > b.txt")
    assert overlay.diff().lines() == ["no file was created, changed or deleted"]


def test_files_are_read_as_they_are_seen_inside(overlay: Overlay) -> None:
    inside(overlay, MANY)
    assert overlay.read("a.txt") == b"one\ntwo\nthree\n" and overlay.read("new/c.txt") == "café\n".encode()
    assert overlay.read("docs/deep/q") == b"q\n"
    for gone in (
        "b.txt",
        "gone/z",
        "docs/deep/x",
        "nothing",
        "link",
        "docs",
        "../home/a.txt",
        "/etc/passwd",
        "a\0b",
        "",
    ):
        assert overlay.read(gone) is None


def test_a_commit_makes_exactly_what_was_shown_real(overlay: Overlay) -> None:
    inside(overlay, MANY)
    changes = overlay.diff()
    done = overlay.commit(changes)
    assert done.ok and len(done.paths) == len(changes.changes)
    assert tree(overlay.below) == {
        "a.txt": "one\ntwo\nthree\n",
        "docs/deep/q": "q\n",
        "link": "/etc/passwd",
        "new/c.txt": "café\n",
    }
    assert (overlay.below / "new").stat().st_mode & 0o777 == 0o700
    assert not (overlay.below / ".cache").exists() and not (overlay.below / "gone").exists()


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        ("echo other > a.txt", "a.txt was changed outside"),
        ("cp a.txt t; echo one > a.txt; cat t > a.txt; rm t", "a.txt was changed outside"),
        ("mkdir new", "new was changed outside"),
        ("rm b.txt", "b.txt was changed outside"),
        ("echo more > gone/y", ""),
    ],
)
def test_a_commit_over_what_somebody_else_changed_does_nothing(overlay: Overlay, meanwhile: str, said: str) -> None:
    inside(overlay, MANY)
    changes = overlay.diff()
    subprocess.run(["sh", "-ec", meanwhile], cwd=overlay.below, check=True)
    before = tree(overlay.below)
    if not said:
        with pytest.raises(OSError):  # a folder into which somebody has put something is not thrown away with it
            overlay.commit(changes)
    else:
        done = overlay.commit(changes)
        assert not done.ok and any(line.startswith(said) for line in done.conflicts), done
    assert tree(overlay.below) == before


def test_a_commit_of_what_has_changed_since_it_was_shown_does_nothing(overlay: Overlay) -> None:
    inside(overlay, MANY)
    changes = overlay.diff()
    inside(overlay, "echo four >> a.txt")
    before = tree(overlay.below)
    done = overlay.commit(changes)
    assert done.conflicts == ("a.txt has changed in the sandbox since it was shown",)
    assert tree(overlay.below) == before


def test_a_link_inside_does_not_lead_a_commit_out(overlay: Overlay, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inside(overlay, "echo x > docs/deep/new")
    changes = overlay.diff()
    (overlay.below / "docs").rename(tmp_path / "docs")
    (overlay.below / "docs").symlink_to(outside)
    assert not overlay.commit(changes).ok and list(outside.iterdir()) == []


def test_a_discard_leaves_nothing(overlay: Overlay, tmp_path: Path) -> None:
    before = tree(overlay.below)
    inside(overlay, MANY)
    overlay.discard()
    overlay.discard()
    assert tree(overlay.below) == before and not (tmp_path / "aside").exists()


def test_what_is_no_plain_file_is_told_and_not_made_real(overlay: Overlay) -> None:
    inside(overlay, "mkfifo pipe")
    changes = overlay.diff()
    assert changes.lines() == ["created special file pipe"]
    assert overlay.commit(changes).conflicts == ("pipe is no plain file, folder or link",)


def test_a_home_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="no folder"):
        Overlay(tmp_path / "nothing", tmp_path / "aside")


def test_files_may_come_and_go_while_it_is_looked_at(overlay: Overlay) -> None:
    """A program that goes on writes, renames and removes; what it left in the end is told afterwards."""
    churn = "for i in $(seq 400); do mkdir -p t; echo $i > t/f; mv t/f t/g; rm -r t; done"
    argv = [*overlay.prefix, "sh", "-ec", f'cd "$1"; {churn}', "sh", str(overlay.home)]
    looks = 0
    with subprocess.Popen(argv) as busy:
        while busy.poll() is None:
            overlay.diff()
            overlay.read("t/f")
            looks += 1
    assert busy.returncode == 0 and looks > 5 and not overlay.diff().changes
