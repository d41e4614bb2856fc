"""From a name to a `Model`. The only place that knows which file implements which kind; imports it when asked."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from model.base import Model, ModelError
from model.opening import Attention, Dtype, Opening, Weights, opening
from model.profile import Profile

__all__ = ["PILOT", "checkpoint_folder", "load_model", "sleeping_threads"]

PILOT = "pilot"
"""Name of the built-in checkpoint."""

PLAN = "plan"
"""Name of the scripted oracle that follows plans in fixed words (`model.planned`)."""

_NEEDED = ("torch", "transformers", "safetensors", "llguidance")


def load_model(
    name: str | Path,
    *,
    device: str = "auto",
    dtype: Dtype = "auto",
    profile: Profile | None = None,
    threads: int | None = None,
    weights: Weights = "stored",
    attention: Attention = "auto",
    context: int = 0,
    cancel: threading.Event | None = None,
) -> Model:
    """Load a model.

    Args:
        name: `pilot`, `plan`, the folder of a Qwen3-VL checkpoint or the name of one that was pulled, either with
            `?setting=value&...` behind it (see `model.opening`; these count before the arguments), or a server,
            `http://HOST:PORT/v1#NAME`.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `all`...
        dtype: the number format; `auto` is bfloat16 where the processor has it.
        profile: instead of the checkpoint's own.
        threads: torch's threads for the whole process; None leaves them.
        weights: `stored`, `int8` or `int4`.
        attention: `auto`, `sdpa` or `flash`.
        context: longest prompt in tokens; 0 leaves it as the checkpoint was trained.
        cancel: an event that ends a running reply with a `ModelError`.

    Raises:
        ModelError: an unknown name, a missing package, or a checkpoint that cannot be used.
    """
    if name == PLAN:
        from model.planned import PlanReader

        return PlanReader()
    if "://" in str(name):
        from model.server import ServerModel, address
        from model.several import OneAtATime

        remote = ServerModel(address(str(name)), profile, cancel)
        return OneAtATime(remote) if remote.profile.calls > 1 else remote
    said, own = opening(str(name))
    folder = checkpoint_folder(said)
    _require()
    asked = Opening(device, dtype, weights, attention, context, threads or 0)
    how = {key: getattr(own if getattr(own, key) != getattr(_LEFT, key) else asked, key) for key in _SETTINGS}
    how["threads"] = how["threads"] or None
    with sleeping_threads():
        from model.local import QwenModel
        from model.qwen3vl.checkpoint import load
        from model.several import OneAtATime

    local = QwenModel(load(folder, profile=profile, **how), cancel)
    return OneAtATime(local) if local.profile.calls > 1 else local


_LEFT = Opening()
_SETTINGS = ("device", "dtype", "weights", "attention", "context", "threads")


def checkpoint_folder(name: str | Path) -> Path:
    """Where a checkpoint lies: `pilot`, its folder, or where `agent model pull` or the hub's cache put it.

    Raises:
        ModelError: there is none.
    """
    if name == PILOT:
        folder = Path(__file__).parent / "pilot"
        if not (folder / "config.json").is_file():
            raise ModelError("the built-in checkpoint `pilot` is not installed, expected model/pilot/config.json")
        return folder
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    from model.hub import is_name, pulled

    if is_name(str(name)):
        return pulled(str(name))
    raise ModelError(f"no model `{name}`, expected `{PILOT}`, `{PLAN}` or the folder of a Qwen3-VL checkpoint")


def _require() -> None:
    missing = [package for package in _NEEDED if find_spec(package) is None]
    if missing:
        raise ModelError(f"a local model needs {', '.join(missing)}: pip install 'deskhand[model]'")


@contextmanager
def sleeping_threads() -> Iterator[None]:
    """Let torch's worker threads sleep while they wait, unless the environment says otherwise.

    By default they spin. On a machine whose cores are wanted by others too (a browser, another run) a spinning thread
    keeps the one it waits for from running: steps of 0.15 s were measured at 0.3 to 4.6 s. OpenMP reads the variable
    once, when torch is first imported; where that has happened already, nothing changes.
    """
    if "torch" in sys.modules or "OMP_WAIT_POLICY" in os.environ:
        yield
        return
    os.environ["OMP_WAIT_POLICY"] = "passive"
    try:
        yield
    finally:
        del os.environ["OMP_WAIT_POLICY"]
