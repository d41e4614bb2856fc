"""Bounds that a scoring jail's program puts on itself, and on all that it starts, before it reads anything."""

from __future__ import annotations

import resource


def keep_to(told: dict[str, int]) -> None:
    """Put bounds on memory, files, processor time and processes. They cannot be raised again.

    Args:
        told: `data`, `file` in bytes, `cpu` in seconds, `files` and `processes` by number; all are needed.
    """
    for what, most in (
        (resource.RLIMIT_DATA, told["data"]),
        (resource.RLIMIT_FSIZE, told["file"]),
        (resource.RLIMIT_CPU, told["cpu"]),
        (resource.RLIMIT_NOFILE, told["files"]),
        (resource.RLIMIT_NPROC, told["processes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
