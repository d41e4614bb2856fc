"""transformers, imported without torchao.

Where torchao is installed, transformers imports it for every model, and torchao warns on standard error about kernels
that a machine does not have. Weights are quantised here by torchao itself (`quantise`), so transformers need not know
it. Import what is needed of transformers' internals from here, so that this comes first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Cache", "DynamicLayer"]


@contextmanager
def _without(name: str) -> Iterator[None]:
    """A package that cannot be found meanwhile; one that is imported already stays."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


with _without("torchao"):
    from transformers.utils.import_utils import is_torchao_available

    is_torchao_available()  # remembers its answer for the whole process
    from transformers.cache_utils import Cache, DynamicLayer
