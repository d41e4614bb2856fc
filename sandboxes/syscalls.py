"""What programs in a jail may not ask of the kernel: shared memory by number.

The X server of a private display stands outside of the jail, where numbers of shared memory mean something else. A
program that offers it a picture by such a number is refused; where the same number happens to exist outside, it is
taken at its word and dies of it at its next picture. Without shared memory every toolkit sends its pictures over the
socket.
"""

from __future__ import annotations

import errno
import os
import platform
import struct

__all__ = ["filter_file", "filter_program"]

_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
"""Load a word of the call's data, jump, end: operations of the kernel's packet filter."""
_NUMBER_AT, _MACHINE_AT = 0, 4
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_SHMGET = {"x86_64": (0xC000003E, 29), "aarch64": (0xC00000B7, 194), "riscv64": (0xC00000F3, 194)}
"""By machine: how the kernel calls it (linux/audit.h), and the number of the call."""


def filter_program(machine: str) -> bytes:
    """A seccomp program in which `shmget` fails with ENOSYS and everything else is let through; empty where unknown."""
    if machine not in _SHMGET:
        return b""
    name, call = _SHMGET[machine]
    program = (
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IF_EQUAL, 0, 3, name),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_EQUAL, 0, 1, call),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_RETURN, 0, 0, _ALLOW),
    )
    return b"".join(struct.pack("=HBBI", *one) for one in program)


def filter_file() -> int | None:
    """An open file with this machine's program, for `bwrap --seccomp`; None where there is none. Close it after use."""
    program = filter_program(platform.machine())
    if not program:
        return None
    file = os.memfd_create("seccomp")
    os.write(file, program)
    os.lseek(file, 0, os.SEEK_SET)
    return file
