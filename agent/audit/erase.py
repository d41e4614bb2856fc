"""Taking a frame out of a finished run without breaking its trail: a tombstone first, the file after."""

from __future__ import annotations

from agent.audit.journal import Journal, Sign
from agent.run_folder import RunFolder

__all__ = ["erase_frame"]


def erase_frame(folder: RunFolder, digest: str, why: str, sign: Sign | None = None) -> None:
    """Erase one frame. The trail keeps its digest and the reason; verification then lists it as erased.

    Without `sign` (a run's key is usually gone by then) the tombstone is chained but not signed, and the verdict says
    so by listing it after the last checkpoint. The report must be written again: it holds a copy of the picture.

    Raises:
        TrailBroken: the tombstone could not be written; the frame is still there.
        ValueError: not a digest.
        FileNotFoundError: there is no such frame.
    """
    place = folder.frame(digest)
    if not place.exists():
        raise FileNotFoundError(f"there is no frame `{digest}` in `{folder.path}`")
    with Journal.reopen(folder.journal, sign) as journal:
        told = {"gui.frame.erased": digest, "gui.detail": why}
        journal.event("gui.frame.erased", "frame erased", told, sync=True)
        place.unlink()
