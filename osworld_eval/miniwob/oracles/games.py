"""Tic-tac-toe against the page, which moves at random more often than not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from actuators.action import Action
from osworld_eval.miniwob.oracle import clicked, plays
from osworld_eval.miniwob.page import Look

Board = tuple[int, ...]
"""Nine places, row by row: 1 ours, -1 theirs, 0 free."""
_LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
_RANDOM = 0.55


@plays("tic-tac-toe")
def _win(look: Look) -> Iterator[Action]:
    for _ in range(5):
        cells = look.all(".ttt-row span")
        board = tuple(1 if "mark-x" in one.cls else -1 if "mark-o" in one.cls else 0 for one in cells)
        free = [place for place, mark in enumerate(board) if not mark]
        if not free:
            return
        best = max(free, key=lambda place: _after_ours(_put(board, place, 1)))
        yield clicked(cells[best].spot or cells[best].centre)


def _put(board: Board, place: int, mark: int) -> Board:
    return (*board[:place], mark, *board[place + 1 :])


def _won(board: Board, mark: int) -> bool:
    return any(all(board[place] == mark for place in line) for line in _LINES)


@cache
def _after_ours(board: Board) -> float:
    """How likely a win is, they being next."""
    if _won(board, 1):
        return 1.0
    free = [place for place, mark in enumerate(board) if not mark]
    if not free:
        return 0.0
    random = sum(_after_theirs(_put(board, place, -1)) for place in free) / len(free)
    smart = [place for place in free if _won(_put(board, place, -1), -1)] or [
        place for place in free if _won(_put(board, place, 1), 1)
    ]
    if not smart:
        return random
    clever = sum(_after_theirs(_put(board, place, -1)) for place in smart) / len(smart)
    return _RANDOM * random + (1 - _RANDOM) * clever


@cache
def _after_theirs(board: Board) -> float:
    """How likely a win is, we being next."""
    if _won(board, -1):
        return 0.0
    free = [place for place, mark in enumerate(board) if not mark]
    return max((_after_ours(_put(board, place, 1)) for place in free), default=0.0)
