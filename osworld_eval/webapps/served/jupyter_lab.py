"""JupyterLab over a folder of files."""

from __future__ import annotations

import json
import os
from pathlib import Path

from leash import PASSWORD, main

FILES = {
    "readme.txt": "Files of the harbour office.\n",
    "draft.txt": "A draft that nobody needs.\n",
    "tides.csv": "day,high\nMonday,12:10\nTuesday,12:58\n",
}
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/palette": {"modal": True},
}


def prepare(folder: Path) -> None:
    """Three files, an empty notebook, and settings that ask nobody for news."""
    work = folder / "work"
    work.mkdir()
    for name, text in FILES.items():
        (work / name).write_text(text)
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (work / "tides.ipynb").write_text(json.dumps(notebook))
    for name, values in SETTINGS.items():
        place = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(values))


def serve(folder: Path, port: int) -> None:
    """The laboratory at `/lab`, behind a password."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        os.environ[f"JUPYTER_{name}_DIR"] = str(folder / "jupyter" / name.lower())
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    os.environ["JUPYTER_TOKEN"] = PASSWORD
    os.environ["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    os.environ["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "workspaces")
    from jupyterlab.labapp import main as lab

    lab(
        [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={folder / 'work'}",
            "--ServerApp.log_level=ERROR",
            "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
            "--FileContentsManager.delete_to_trash=False",
        ]
    )


main(prepare, serve)
