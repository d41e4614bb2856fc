"""What this machine has and lacks, each finding with the command that mends it.

Looks without touching: nothing heavy is imported, nothing is started but one empty jail, and the one file it writes (to
see whether runs can be kept) it takes away again. A finding says that something is there, not that it works.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

__all__ = ["EXTRAS", "Finding", "State", "examine", "report"]

State = Literal["ok", "warn", "missing"]

EXTRAS: dict[str, tuple[str, ...]] = {
    "model": ("torch", "transformers", "safetensors", "llguidance"),
    "ask": ("av", "pypdfium2", "jsonschema", "defusedxml"),
    "browser": ("playwright",),
    "desktop": ("mss", "Xlib", "jeepney"),
    "console": ("fastapi", "uvicorn", "sqlalchemy", "alembic", "jinja2", "python_multipart"),
    "postgres": ("psycopg",),
    "android": ("adbutils",),
    "sites": ("starlette", "uvicorn", "jinja2", "python_multipart"),
    "rows": ("openpyxl",),
    "mcp": ("mcp", "uvicorn"),
}
"""Modules of each extra in `pyproject.toml`. `otlp`, `training`, `test` and `lint` are for those who know why."""
_CORE = ("pydantic", "yaml", "typer", "rich", "cryptography", "cedarpy", "opentelemetry.sdk", "PIL", "numpy")
_FIRST = {"model", "browser", "sites"}
"""Extras that the first task needs; the others only warn."""
_PYTHON = (3, 11)
_SHM_BYTES = 256 * 2**20
_OFFICE = (
    ("soffice", "libreoffice-calc libreoffice-writer libreoffice-impress libreoffice-gtk3"),
    ("lxterminal", "lxterminal"),
    ("thunar", "thunar"),
)
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for."""

    name: str
    state: State
    """`missing`: the first task cannot run. `warn`: something else cannot, or will be slow."""
    detail: str
    fix: str = ""
    """The command that mends it; empty where nothing needs mending."""


def examine(runs: Path = Path("runs")) -> list[Finding]:
    """Every finding, in the order in which a newcomer should mend them. Never raises."""
    return [finding for look in _looks(runs) for finding in _safely(look)]


def _safely(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except OSError as error:
        return [Finding("doctor", "warn", f"could not look: {error}")]


def report(as_json: bool = False, runs: Path = Path("runs")) -> int:
    """Print the findings; 0 when nothing is missing, 1 otherwise."""
    import json

    found = examine(runs)
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        print("\n".join(_told(found)))
    return 1 if any(finding.state == "missing" for finding in found) else 0


def _told(found: Sequence[Finding]) -> Iterator[str]:
    width = max(len(finding.name) for finding in found)
    for finding in found:
        yield f"{finding.state:7}  {finding.name:{width}}  {finding.detail}"
        if finding.fix:
            yield f"{'':7}  {'':{width}}  mend it: {finding.fix}"


def _looks(runs: Path) -> Sequence[Callable[[], Iterator[Finding]]]:
    return (
        lambda: iter([python_finding(sys.version_info[:2])]),
        lambda: iter([core_finding()]),
        lambda: (extra_finding(extra) for extra in EXTRAS),
        lambda: iter([chromium_finding()]),
        lambda: iter([pilot_finding(Path(__file__).resolve().parents[1] / "model" / "pilot")]),
        lambda: iter([torch_finding()]),
        lambda: iter([shm_finding(Path("/dev/shm"))]),
        lambda: iter([runs_finding(runs)]),
        lambda: iter([fonts_finding()]),
        lambda: iter([program_finding("adb", "Android devices", "apt-get install adb")]),
        lambda: iter([program_finding("Xvfb", "private desktops", "apt-get install xvfb")]),
        lambda: iter([program_finding("jwm", "private desktops", "apt-get install jwm dbus at-spi2-core")]),
        lambda: iter([jail_finding()]),
        lambda: (program_finding(name, "bundled OSWorld tasks", f"apt-get install {fix}") for name, fix in _OFFICE),
    )


def jail_finding() -> Finding:
    """Whether programs can be locked in. Tries it: that the program is there does not say that the kernel lets it."""
    from sandboxes.jail import what_is_missing

    if why := what_is_missing():
        return Finding("bubblewrap", "warn", f"no private desktops: {why}", "apt-get install bubblewrap")
    return Finding("bubblewrap", "ok", "programs can be locked in")


def python_finding(running: tuple[int, ...]) -> Finding:
    """The interpreter's version."""
    said, least = ".".join(map(str, running)), ".".join(map(str, _PYTHON))
    if running >= _PYTHON:
        return Finding("python", "ok", said)
    return Finding("python", "missing", f"{said} is too old, {least} is needed", f"install Python {least} or later")


def core_finding() -> Finding:
    """The packages that everything needs."""
    absent = [name for name in _CORE if not _there(name)]
    if absent:
        return Finding("packages", "missing", f"not installed: {', '.join(absent)}", "pip install -e .")
    return Finding("packages", "ok", "all there")


def extra_finding(extra: str) -> Finding:
    """The packages of one extra."""
    absent = [name for name in EXTRAS[extra] if not _there(name)]
    if not absent:
        return Finding(f"extra {extra}", "ok", "all there")
    state: State = "missing" if extra in _FIRST else "warn"
    return Finding(f"extra {extra}", state, f"not installed: {', '.join(absent)}", f"pip install -e '.[{extra}]'")


def _there(module: str) -> bool:
    """Whether a module could be imported, without importing it; for a submodule its package alone is."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def chromium_finding() -> Finding:
    """A browser: the system's own or Playwright's."""
    found = next((path for name in _CHROMIUMS if (path := shutil.which(name))), None)
    if found is None:
        own = next((str(path) for path in _playwright_chromiums()), None)
        found = own
    if found is not None:
        return Finding("chromium", "ok", found)
    return Finding("chromium", "missing", "no Chromium found", "python -m playwright install chromium")


def _playwright_chromiums() -> Iterator[Path]:
    set_folder = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    homes = {"darwin": "Library/Caches/ms-playwright", "win32": "AppData/Local/ms-playwright"}
    own = _home() / homes.get(sys.platform, ".cache/ms-playwright")
    folder = Path(set_folder) if set_folder not in ("", "0") else own
    for pattern in ("chromium*/*/chrome", "chromium*/*/chrome.exe", "chromium*/*/*.app", "chromium*/*/*headless*shell"):
        yield from folder.glob(pattern)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def pilot_finding(folder: Path) -> Finding:
    """The built-in checkpoint: its weights are there, whole, and those that `SHA256SUMS` names."""
    fetch = "git lfs pull, or check the repository out again"
    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "config.json").is_file():
        return Finding("built-in model", "missing", f"no weights and config.json in {folder}", fetch)
    if pointers := [one.name for one in weights if one.stat().st_size < 1024]:
        return Finding("built-in model", "missing", f"{pointers[0]} is a pointer and not the file itself", fetch)
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        return Finding("built-in model", "ok", f"{len(weights)} weight file(s), no SHA256SUMS to compare with")
    wrong = list(_altered(sums))
    if wrong:
        return Finding("built-in model", "missing", f"missing or altered: {', '.join(wrong)}", fetch)
    return Finding("built-in model", "ok", "all files as published")


def _altered(sums: Path) -> Iterator[str]:
    """Files of a `sha256sum` list that are not there or have another digest."""
    for line in sums.read_text("utf-8").splitlines():
        digest, _, name = line.partition(" ")
        path = sums.parent / name.strip().removeprefix("*")
        if line.strip() and (not path.is_file() or _digest(path) != digest):
            yield name.strip()


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def torch_finding() -> Finding:
    """Whether the model can use a GPU: what torch was built for, and what the machine has."""
    try:
        built = version("torch")
    except PackageNotFoundError:
        return Finding("torch", "missing", "not installed", "pip install -e '.[model]'")
    gpu = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
    if gpu and "+cpu" in built:
        fix = "rm -rf .venv && make TORCH_CUDA=1 setup"
        return Finding("torch", "warn", f"{built} cannot use this machine's GPU", fix)
    return Finding("torch", "ok", f"{built}, {'GPU found' if gpu else 'no GPU: the CPU is used'}")


def shm_finding(folder: Path) -> Finding:
    """Shared memory: Chromium crashes on large pages when there is little, as in most containers."""
    if not folder.is_dir():
        return Finding("/dev/shm", "ok", "not used on this system")
    size = shutil.disk_usage(folder).total
    said = f"{size // 2**20} MiB"
    if size >= _SHM_BYTES:
        return Finding("/dev/shm", "ok", said)
    return Finding("/dev/shm", "warn", f"{said} is little for a browser", "docker run --shm-size=1g ...")


def runs_finding(runs: Path) -> Finding:
    """Whether run folders can be made."""
    folder = runs.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("runs folder", "ok", str(runs.absolute()))
    except OSError as error:
        said = f"cannot write in {folder}: {error.strerror or error}"
        return Finding("runs folder", "missing", said, "agent run --runs FOLDER ..., with a folder of your own")


def fonts_finding() -> Finding:
    """Fonts: a page without any is a page of boxes."""
    if sys.platform != "linux":
        return Finding("fonts", "ok", "the system's own")
    system = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    places = (*system, _home() / ".fonts", _home() / ".local/share/fonts")
    found = (one for place in places if place.is_dir() for one in place.rglob("*.[to]t[fc]"))
    if next(found, None) is not None:
        return Finding("fonts", "ok", "found")
    return Finding("fonts", "warn", "no TrueType fonts found", "apt-get install fonts-dejavu fonts-noto-core")


def program_finding(name: str, purpose: str, fix: str) -> Finding:
    """A program that only some surfaces need."""
    path = shutil.which(name)
    return Finding(name, "ok", path) if path else Finding(name, "warn", f"not found, needed for {purpose}", fix)
