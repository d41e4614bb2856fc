"""Three hundred strings, typed and read back exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from desktop_stage import DesktopStage
from typed_strings import KINDS, strings, type_and_read

pytestmark = pytest.mark.display


def test_strings_of_every_kind_are_typed_exactly(begin_desktop: Callable[[], DesktopStage]) -> None:
    assert type_and_read(begin_desktop(), strings()[: 2 * len(KINDS)]) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_hundred_strings_are_typed_exactly(begin_desktop: Callable[[], DesktopStage]) -> None:
    found = strings()
    assert len(found) == 300 and len(set(found)) > 290
    assert type_and_read(begin_desktop(), found) == []


def test_more_characters_than_there_are_free_keys_are_typed_exactly(begin_desktop: Callable[[], DesktopStage]) -> None:
    text = "".join(chr(0x4E00 + 7 * n) for n in range(60))
    assert type_and_read(begin_desktop(), [text]) == []
