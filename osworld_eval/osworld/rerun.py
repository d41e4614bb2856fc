"""`agent eval rerun MANIFEST`: the same tasks, model, seeds and settings again."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from osworld_eval.osworld.evaluate import OWN, Wanted
from osworld_eval.osworld.evaluate import main as play
from osworld_eval.osworld.manifest import Manifest, ManifestUnusable, read_manifest

__all__ = ["main"]


def main(path: Path, wanted: Wanted) -> int:
    """Play it again; exit codes as `agent eval osworld`, 2 where something is not as it is pinned.

    `wanted` has what a manifest does not pin: where tasks are, where to play, where results go.
    """
    try:
        manifest = read_manifest(path)
        return play(_pinned(manifest, wanted), manifest)
    except ManifestUnusable as problem:
        print(f"agent eval rerun: {problem}", file=sys.stderr)
        return 2


def _pinned(manifest: Manifest, wanted: Wanted) -> Wanted:
    """What the manifest says in the words of the command line. Raises `ManifestUnusable`."""
    settings = manifest.settings
    phones = wanted.phones or (("",) if settings.get("place") == "android" else ())
    try:
        return replace(
            wanted,
            folder=wanted.folder or (None if manifest.suite == OWN else Path(manifest.suite)),
            agent=manifest.agent,
            phones=phones,
            only=tuple(manifest.tasks),
            repeat=manifest.repeat,
            seed=manifest.seed,
            steps=int(settings["steps"]),
            minutes=int(settings["minutes"]),
            perception=str(settings["perception"]),
            mended=tuple(settings["mended"]),
            screen=str(settings["screen"]) or wanted.screen,
        )
    except (KeyError, TypeError, ValueError):
        raise ManifestUnusable("its settings are not those of this version") from None
