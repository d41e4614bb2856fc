"""What a jail lets be written, with a shell in place of the evaluators."""

from __future__ import annotations

import subprocess

import pytest

from sandboxes.jail import bare_walls, what_is_missing

pytestmark = pytest.mark.skipif(bool(what_is_missing()), reason=what_is_missing() or "-")

_LOOK = """
for place in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/sysrq-trigger; do
    [ -e $place ] && (: >> $place) 2>/dev/null && echo $place
done
echo done
"""
"""Opens and writes nothing: where the walls have a hole, these are the whole machine's."""


def test_settings_of_the_kernel_cannot_be_opened_for_writing_in_a_jail_that_root_starts() -> None:
    said = subprocess.run([*bare_walls(), "--", "/bin/sh", "-c", _LOOK], capture_output=True, text=True, timeout=30)
    assert said.stdout == "done\n", said.stderr
