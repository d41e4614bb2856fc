"""Tiny suites of every layout, drawn when a test asks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw


def picture(file: Path, size: tuple[int, int] = (200, 120)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    drawn = Image.new("RGB", size, (240, 240, 240))
    ImageDraw.Draw(drawn).rectangle((20, 30, 59, 49), fill=(20, 90, 200))
    drawn.save(file)


def write(file: Path, data: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data))


def entry(**changed: Any) -> dict[str, Any]:
    return {
        "img_filename": "a.png",
        "bbox": [20, 30, 40, 20],
        "instruction": "Open the settings",
        "data_type": "text",
        "data_source": "shop",
    } | changed


def plain(folder: Path, entries: list[Any] | None = None, nodes: Any = None) -> Path:
    picture(folder / "images" / "a.png")
    picture(folder / "images" / "b.jpg", (320, 200))
    write(
        folder / "annotations.json",
        entries
        or [
            entry(kind="name", role="button"),
            entry(instruction="bell icon", data_type="icon", bbox=[100, 5, 10, 10], kind="icon", role="button"),
            entry(img_filename="b.jpg", bbox=[300, 180, 20, 20], data_source="bank", kind="position", role="link"),
            entry(bbox=None, instruction="Delete the account", kind="absent"),
        ],
    )
    if nodes is not None:
        write(folder / "nodes.json", nodes)
    return folder


def screenspot(folder: Path, version: int = 1) -> Path:
    images = folder / ("screenspotv2_image" if version == 2 else "screenspot_imgs")
    picture(images / "pc.png")
    picture(images / "mobile.png", (90, 160))
    tail = "_v2" if version == 2 else ""
    for name, image, source in (("desktop", "pc.png", "windows"), ("mobile", "mobile.png", "ios")):
        told = entry(img_filename=image, data_source=source, data_type="icon", instruction="close this window")
        write(folder / f"screenspot_{name}{tail}.json", [told])
    return folder


def screenspot_pro(folder: Path) -> Path:
    picture(folder / "images" / "gimp_linux" / "s.png", (3840, 2160))
    told = {
        "id": "gimp_1",
        "img_filename": "gimp_linux/s.png",
        "bbox": [3800, 2100, 3840, 2160],
        "instruction": "zoom",
        "application": "gimp",
        "platform": "linux",
        "img_size": [3840, 2160],
        "ui_type": "icon",
        "group": "Creative",
    }
    write(folder / "annotations" / "gimp_linux.json", [told])
    return folder


def osworld_g(folder: Path) -> Path:
    picture(folder / "images" / "w.png")
    common = {"image_path": "w.png", "image_size": [200, 120], "GUI_types": ["Icon", "Button"]}
    told = [
        {"id": "1", "instruction": "bold", "box_type": "bbox", "box_coordinates": [20.5, 30.2, 10, 10.4], **common},
        {
            "id": "2",
            "instruction": "the arrow",
            "box_type": "polygon",
            "box_coordinates": [100, 10, 180, 10, 140, 90],
            **common,
        },
        {"id": "3", "instruction": "the sheep", "box_type": "refusal", "box_coordinates": [-1, -1, -1, -1], **common},
    ]
    write(folder / "OSWorld-G.json", told)
    write(folder / "OSWorld-G_refined.json", told[:1])
    return folder
