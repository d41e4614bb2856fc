"""From what patches say to nodes: heads that are never wrong give the page back."""

from typing import Any

import numpy as np

from actuators.observation import Node
from model.reading.alphabet import NONE, Alphabet
from model.reading.glyphs import Cells
from model.reading.reader import Said, assemble
from model.reading.tiles import PATCH, Tile, cover, cut, flat_patches
from model.training.reading.targets import IGNORE, Targets, read_labels, targets

ALPHABET = Alphabet(icons=("", "search", "close"))


def label(text: str, left: float, top: float, step: float = 7.0, tall: float = 16.0) -> dict[str, Any]:
    return {
        "text": text,
        "box": [left, top, step * len(text), tall],
        "chars": [left + step * (n + 0.5) for n in range(len(text))],
    }


def thing(
    role: str,
    left: float,
    top: float,
    width: float,
    height: float,
    states: tuple[str, ...] = (),
    icon: str | None = None,
) -> dict[str, Any]:
    return {"role": role, "name": "", "box": [left, top, width, height], "states": list(states), "icon": icon}


def said(wanted: Targets) -> Said:
    """A reading without a fault; what was not asked reads as nothing."""
    at = np.argwhere(wanted.glyphs > NONE).astype(np.int32)
    rows, columns = at.T
    cells = Cells(
        at, wanted.glyphs[rows, columns, None].astype(np.int16), np.ones((len(at), 1), np.float32),
        wanted.begins[rows, columns], wanted.places[rows, columns],
    )  # fmt: skip
    roles = np.where(wanted.roles == IGNORE, 0, wanted.roles)
    one = np.eye(len(ALPHABET.roles), dtype=np.float32)
    icons = np.where(wanted.icons == IGNORE, 0, wanted.icons)
    return Said(
        cells, one[roles.ravel()], np.nan_to_num(wanted.edges).reshape(-1, 4), np.ones(roles.size, dtype=np.float32),
        np.nan_to_num(wanted.states).reshape(-1, len(ALPHABET.states)),
        np.eye(len(ALPHABET.icons), dtype=np.float32)[icons.ravel()],
    )  # fmt: skip


def read(
    lines: list[dict[str, Any]], things: list[dict[str, Any]], size: tuple[int, int] = (1280, 800)
) -> tuple[Node, ...]:
    page = read_labels({"lines": lines, "nodes": things}, ALPHABET)
    tiles = cover(*size)
    return assemble(
        tiles, [said(targets(page, tile.left, tile.top, tile.grid, ALPHABET)) for tile in tiles], ALPHABET, size
    )


def told(nodes: tuple[Node, ...]) -> list[tuple[str, str, str]]:
    return [(node.role, node.name, node.value) for node in nodes]


def test_a_page_comes_back_with_roles_names_and_values() -> None:
    nodes = read(
        [
            label("Sign in", 420, 102), label("E-mail address", 200, 200), label("ada@example.org", 206, 226), label("Remember me", 230, 300),
            label("Welcome back, please", 600, 400), label("Help", 900, 20), label("Zürich", 700, 500),
        ],
        [
            thing("button", 410, 96, 80, 28), thing("textbox", 200, 220, 260, 28, ("focused",)), thing("checkbox", 206, 300, 15, 15, ("checked",)),
            thing("link", 898, 18, 34, 20), thing("button", 1230, 10, 32, 32, (), "search"),
        ],
    )  # fmt: skip
    assert sorted(told(nodes)) == sorted([
        ("button", "Sign in", ""), ("textbox", "E-mail address", "ada@example.org"), ("checkbox", "Remember me", ""),
        ("text", "Welcome back, please", ""), ("link", "Help", ""), ("button", "search", ""), ("text", "Zurich", ""),
    ])  # fmt: skip
    by = {node.role: node for node in nodes if node.role in ("textbox", "checkbox")}
    assert by["textbox"].focused and by["checkbox"].checked is True
    assert all(abs(a - b) <= 4 for a, b in zip((200, 220, 460, 248), _sides(by["textbox"]), strict=True))


def test_text_beside_text_stays_apart_and_a_seam_cuts_nothing() -> None:
    lines = [
        label("Delete this row", 560, 10),
        label("Next", 690, 10),
        label("One long line of text across the seam of tiles", 480, 150),
    ]
    names = [name for _, name, _ in told(read(lines, []))]
    assert sorted(names) == ["Delete this row", "Next", "One long line of text across the seam of tiles"]


def test_words_on_two_links_are_two_names_and_words_beside_a_link_none_of_it() -> None:
    nodes = read(
        [label("Share Save", 100, 40), label("Read the terms first", 100, 80)],
        [thing("link", 98, 38, 39, 20), thing("link", 141, 38, 34, 20), thing("link", 161, 78, 39, 20)],
    )
    assert sorted(told(nodes)) == [
        ("link", "Save", ""), ("link", "Share", ""), ("link", "terms", ""), ("text", "Read the", ""), ("text", "first", ""),
    ]  # fmt: skip


def test_a_tick_of_thirteen_pixels_is_found_where_it_stands() -> None:
    for left in range(300, 316):
        (tick,) = read([], [thing("checkbox", left, 203, 13, 13)])
        assert all(abs(a - b) <= 2 for a, b in zip((left, 203, left + 13, 216), _sides(tick), strict=True)), left


def test_a_field_wider_than_a_tile_is_one_field() -> None:
    nodes = read([label("Search everything", 40, 306)], [thing("textbox", 30, 300, 1200, 30)])
    assert told(nodes) == [("textbox", "Search everything", "")]
    assert all(abs(a - b) <= 8 for a, b in zip((30, 300, 1230, 330), _sides(nodes[0]), strict=True))


def test_two_lines_of_small_text_are_both_read() -> None:
    lines = [label("upper", 100, 98, 6, 12), label("lower", 100, 111, 6, 12)]
    assert [name for _, name, _ in told(read(lines, []))] == ["upper", "lower"]


def _sides(node: Node) -> tuple[int, int, int, int]:
    return node.rect.left, node.rect.top, node.rect.right, node.rect.bottom


def test_tiles_cover_every_pixel_once_with_their_own_parts() -> None:
    for width, height in ((1280, 800), (320, 420), (390, 844), (161, 97), (1920, 1080), (33, 2000)):
        seen = np.zeros((height, width), dtype=int)
        for tile in cover(width, height):
            left, top, right, bottom = tile.own
            seen[top:bottom, left:right] += 1
            assert left >= tile.left and right <= max(tile.left + tile.grid[1] * PATCH, width)
            assert tile.grid[0] % 2 == 0 and tile.grid[1] % 2 == 0
        assert (seen == 1).all(), (width, height)


def test_a_tile_at_the_edge_repeats_the_last_pixels() -> None:
    pixels = np.arange(20 * 20 * 3, dtype=np.uint8).reshape(20, 20, 3)
    part = cut(pixels, Tile(0, 0, (2, 2), (0, 0, 20, 20)))
    assert part.shape == (32, 32, 3) and (part[19, 31] == pixels[19, 19]).all()
    assert flat_patches(part).shape == (4, 768)
