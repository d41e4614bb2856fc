"""Stands in for packages that an environment lacks, so that upstream's modules can be imported without them.

Upstream imports everything at the top of its modules. What stands in may be named and passed around; whoever calls it
or looks into it is told which package is wanting, and that it was touched is remembered: a score that somebody's
`except` made of it is none.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, ClassVar, NoReturn

FULL = (
    *("fitz", "borb", "imagehash", "skimage", "cv2", "librosa", "acoustid", "fastdtw", "scipy", "easyocr", "odf"),
    *("bs4", "PyPDF2", "pypdf", "pdfplumber", "docx", "pptx", "mutagen", "formulas", "tldextract", "xmltodict"),
    *("pandas", "openpyxl", "yaml", "rapidfuzz", "cssselect", "PIL", "numpy"),
)
"""What the full set holds, most of which the light one holds as well."""
NEVER = ("pydrive", "gymnasium", "requests_toolbelt", "dotenv")
"""What no set holds: the evaluators that we serve do without."""
touched: list[str] = []
"""Names of packages that were wanted after all, in order."""


class Wanting(BaseException):
    """A package was called on that this environment has not. Not an `Exception`: upstream catches those."""


class Stand:
    """Whatever upstream imports from a package that is not there."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stand(f"{self.__name__}.{name}")

    def _touch(self, *_: Any, **__: Any) -> NoReturn:
        package = self.__name__.partition(".")[0]
        if package not in touched:
            touched.append(package)
        raise Wanting(package)

    __call__ = __iter__ = __len__ = __getitem__ = __contains__ = __enter__ = __bool__ = _touch


class StandModule(ModuleType):
    """A module of such a package."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stand(f"{self.__name__}.{name}")


class Finder:
    """Finds stand-ins, after everything else has been asked."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in self._names else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


def stand_in() -> tuple[str, ...]:
    """Let stand-ins be found for all that is not here; returns the names of those packages."""
    lacking = tuple(name for name in (*FULL, *NEVER, "playwright") if importlib.util.find_spec(name) is None)
    sys.meta_path.append(Finder(lacking))
    return lacking
