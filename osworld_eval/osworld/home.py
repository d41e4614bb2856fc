"""The home that a sandbox begins with for OSWorld's tasks: the folders that upstream's machines have, and settings that
keep programs from greeting, advising and asking before they can be used.

Settings are files of those programs, in their own formats; nothing here is read back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_home"]

_FOLDERS = (
    *("Desktop", "Documents", "Downloads", "Music", "Pictures", "Public", "Templates", "Videos"),
    *(".config", ".local/share", ".local/state"),
)
_ITEM = (
    '<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
)
_OFFICE: tuple[tuple[str, str, str], ...] = (
    ("Office.Common/Misc", "FirstRun", "false"),
    ("Office.Common/Misc", "ShowTipOfTheDay", "false"),
    ("Office.Common/Misc", "ShowDonation", "false"),
    ("Office.Common/Save/Document", "WarnAlienFormat", "false"),
    ("Office.Common/Save/Document", "AutoSave", "false"),
    ("Office.Common/Misc", "UseSystemFileDialog", "true"),
    ("Setup/Product", "ooSetupLastVersion", "99.0"),
    ("Setup/Product", "LastTimeDonateShown", "4102444800"),
    ("Setup/Product", "LastTimeGetInvolvedShown", "4102444800"),
    ("Setup/Office", "ooSetupInstCompleted", "true"),
    ("Office.Recovery/RecoveryInfo", "Enabled", "false"),
    ("Office.Impress/Misc", "AutoPilot", "false"),
    ("Office.Impress/Misc/Start", "EnablePresenterScreen", "true"),
)
"""No first-run greeting, no tip of the day, no bar above the document, no question about formats while saving."""
_OPENS: Mapping[str, tuple[str, ...]] = {
    "org.xfce.mousepad.desktop": ("text/plain", "text/x-python", "application/json", "text/markdown", "text/x-log"),
    "libreoffice-calc.desktop": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        *("application/vnd.oasis.opendocument.spreadsheet", "application/vnd.ms-excel", "text/csv"),
    ),
    "libreoffice-writer.desktop": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        *("application/vnd.oasis.opendocument.text", "application/msword", "text/rtf", "application/rtf"),
    ),
    "libreoffice-impress.desktop": (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        *("application/vnd.oasis.opendocument.presentation", "application/vnd.ms-powerpoint"),
    ),
    "thunar.desktop": ("inode/directory",),
}
_TERMINAL = """[general]
fontname=Monospace 11
cursorblinks=false
audiblebell=false
disallowbold=false
hidescrollbar=true
disablef10=true
disableconfirm=true
"""
_CHROME = {
    "browser": {"check_default_browser": False, "has_seen_welcome_page": True},
    "bookmark_bar": {"show_on_all_tabs": True},
    "credentials_enable_service": False,
    "signin": {"allowed": False},
}


def write_home(folder: Path) -> Path:
    """Write it into a folder, which is made; returns it."""
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in _files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def _files() -> dict[str, str]:
    defaults = "".join(f"{kind}={program}\n" for program, kinds in _OPENS.items() for kind in kinds)
    folders = "".join(
        f'XDG_{word}_DIR="$HOME/{name}"\n'
        for word, name in (
            *(("DESKTOP", "Desktop"), ("DOWNLOAD", "Downloads"), ("TEMPLATES", "Templates"), ("PUBLICSHARE", "Public")),
            *(("DOCUMENTS", "Documents"), ("MUSIC", "Music"), ("PICTURES", "Pictures"), ("VIDEOS", "Videos")),
        )
    )
    return {
        ".config/user-dirs.dirs": folders,
        ".config/mimeapps.list": f"[Default Applications]\n{defaults}",
        ".config/libreoffice/4/user/registrymodifications.xcu": _office(),
        ".config/lxterminal/lxterminal.conf": _TERMINAL,
        ".config/google-chrome/Default/Preferences": json.dumps(_CHROME),
        ".config/google-chrome/First Run": "",
    }


def _office() -> str:
    items = "\n".join(_ITEM.format(path=path, name=name, value=value) for path, name, value in _OFFICE)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n{items}\n</oor:items>\n'
    )
