"""Files that a run has made real go back to how they stood at a step, or before it: all of them or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_overlay import MANY, home, inside, tree

from sandboxes.checkpoint import NotKept, State
from sandboxes.files_state import FilesKeeper, before_of, put_back, returns
from sandboxes.overlay import Overlay, kernel_allows


def plain(text: str) -> str:
    return text


@pytest.fixture(params=["kernel", "copy"])
def overlay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Overlay]:
    if request.param == "kernel" and not kernel_allows(tmp_path):
        pytest.skip("this kernel allows no overlay here")
    yield Overlay(home(tmp_path), tmp_path / "aside", request.param)


def committed(overlay: Overlay) -> State:
    """Everything made real; what lay there before, as it is read back from its bytes."""
    changes = overlay.diff()
    before = before_of(overlay, changes)
    assert overlay.commit(changes).ok
    return State.from_bytes(before.to_bytes())


def test_everything_goes_back_to_before_the_run(overlay: Overlay) -> None:
    was = tree(overlay.below)
    inside(overlay, MANY)
    before = committed(overlay)
    assert tree(overlay.below) != was
    steps, left = returns(before, None)
    assert left == () and put_back(overlay.below, steps) == ()
    assert tree(overlay.below) == was and (overlay.below / "gone").is_dir() and not (overlay.below / "new").exists()


def test_it_goes_back_to_a_step_in_between(overlay: Overlay) -> None:
    inside(overlay, "echo three >> a.txt; mkdir new; echo half > new/c.txt; rm b.txt; echo later > passing")
    keeper = FilesKeeper(overlay, plain)
    kept = State.from_bytes(keeper.keep().to_bytes())
    assert keeper.differs(kept) == ()
    inside(overlay, "echo four >> a.txt; echo whole > new/c.txt; echo back > b.txt; rm passing; rm -r gone")
    assert set(keeper.differs(kept)) == {
        f"{name} is not as it was" for name in ("a.txt", "b.txt", "gone", "gone/z", "new/c.txt", "passing")
    }
    before = committed(overlay)
    steps, left = returns(before, kept)
    assert [one.partition(":")[0] for one in left] == ["passing"]
    assert put_back(overlay.below, steps) == ()
    now = tree(overlay.below)
    assert (now["a.txt"], now["new/c.txt"], now["gone/z"]) == ("one\ntwo\nthree\n", "half\n", "z")
    assert "b.txt" not in now and {one.line().partition(":")[0] for one in steps} >= {"deleted again", "as it was"}


@pytest.mark.parametrize("meanwhile", ["echo mine >> a.txt", "rm new/c.txt", "rm -r new && ln -s /tmp new"])
def test_what_somebody_changed_since_stands_against_the_whole(overlay: Overlay, meanwhile: str) -> None:
    import subprocess

    inside(overlay, MANY)
    before = committed(overlay)
    subprocess.run(["sh", "-ec", meanwhile], cwd=overlay.below, check=True)
    was = tree(overlay.below)
    steps, _ = returns(before, None)
    conflicts = put_back(overlay.below, steps)
    assert conflicts and "\n" not in conflicts[0] and tree(overlay.below) == was


def test_a_disk_that_says_no_leaves_everything_as_it_was(overlay: Overlay, monkeypatch: pytest.MonkeyPatch) -> None:
    import sandboxes.files_state as files_state

    inside(overlay, MANY)
    before = committed(overlay)
    was = tree(overlay.below)
    steps, _ = returns(before, None)
    real, calls = files_state._put, []

    def put(place: Path, entry: object, aside: Path) -> None:
        calls.append(place)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        real(place, entry, aside)  # type: ignore[arg-type]

    monkeypatch.setattr(files_state, "_put", put)
    with pytest.raises(OSError, match="No space"):
        put_back(overlay.below, steps)
    assert tree(overlay.below) == was


def test_secrets_and_what_is_too_large_are_left_out_and_said(overlay: Overlay) -> None:
    inside(overlay, "echo my-canary > told; head -c 3000000 /dev/zero > large; echo plain > fine")
    kept = FilesKeeper(overlay, lambda text: text.replace("my-canary", "***")).keep()
    assert set(kept.data["files"]) == {"fine"} and b"canary" not in kept.to_bytes()
    assert [line.partition(" (")[0] for line in kept.left_out] == [
        "large: it is too large to be kept",
        "told: it holds a secret",
    ]


def test_a_file_that_goes_while_it_is_kept_is_one_that_is_not_there(
    overlay: Overlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LibreOffice's lock, for one: between the look around and the reading it was deleted."""
    inside(overlay, "echo locked > .lock; echo stays > stays.txt")
    reads = Path.read_bytes

    def gone(self: Path) -> bytes:
        if self.name == ".lock":
            raise FileNotFoundError(2, "No such file or directory")
        if self.name == "stays.txt":
            raise PermissionError(13, "Permission denied")
        return reads(self)

    monkeypatch.setattr(Path, "read_bytes", gone)
    kept = FilesKeeper(overlay, plain).keep()
    assert kept.data["files"][".lock"] is None
    assert "stays.txt" not in kept.data["files"]
    assert kept.left_out == ("stays.txt: it cannot be read: permission denied",)


def test_a_page_is_no_state_of_files(overlay: Overlay) -> None:
    with pytest.raises(NotKept):
        FilesKeeper(overlay, plain).differs(State("page", {}))
