"""One page and all its instructions as one packed sequence.

Every segment (instruction, history, reply) sees the shared prefix (system, picture, node list) and itself, at the positions
it would have alone: the same mathematics as one prompt each, with the prefix computed once.

Letters: P prefix tokens, K segments, S slots of a segment.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer

from actuators.observation import Node
from model.protocols import computer_use, elements
from model.training import pictures
from model.training.architecture import PIXELS_BOTH
from model.training.episodes import Episode, Sample, prefix_text
from model.training.oracle import resolve
from model.training.tokenizer import OPENING, STATES

__all__ = ["Aim", "Packed", "Packer", "full_prompt"]

_HEAD = "<|im_start|>system\n" + computer_use.system_text() + "<|im_end|>\n<|im_start|>user\n<|vision_start|>"
_TURN = "<|im_end|>\n<|im_start|>assistant\n"
_END = "<|im_end|>"


def full_prompt(episode: Episode, sample: Sample, image_tokens: int) -> str:
    """The whole text of one sample without its reply, as the chat template writes it (image tokens repeated)."""
    return f"{_HEAD}{'<|image_pad|>' * image_tokens}<|vision_end|>{prefix_text(episode.page)}{sample.text}{_TURN}"


@dataclass
class Aim:
    """What one attention head should look at: queries and the keys that are right for each."""

    rows: torch.Tensor  # (R, 2) as (segment, slot), or (R, 1) as prefix index
    keys: torch.Tensor  # (R, P + S) or (R, P), bool


@dataclass
class Packed:
    """Tensors of one page."""

    prefix: torch.Tensor  # (P,) int64
    segments: torch.Tensor  # (K, S) int64, padded with 0
    prefix_positions: torch.Tensor  # (3, P)
    start: int  # position of the first slot of every segment
    image_at: int  # index of the first image token in the prefix
    patches: torch.Tensor  # (patches, 1536)
    grid: tuple[int, int, int]
    labels: torch.Tensor  # (K, S): the token that slot s must predict, -100 elsewhere
    weights: torch.Tensor  # (K, S) float32
    targets: dict[str, Aim]  # by name of the pointer loss
    echoes: dict[str, tuple[torch.Tensor, torch.Tensor]]
    """By loss: places in prefix + segments, and the token that the head must be able to hand on from each."""
    reads: dict[str, tuple[torch.Tensor, torch.Tensor]]
    """By loss: which rows of the aim must be answered with the very token looked at, and that token."""
    samples: list[Sample]


class _Targets:
    """Rows of a pointer loss while they are collected."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.keys: list[list[int]] = []

    def add(self, row: tuple[int, ...], keys: list[int]) -> None:
        if keys:
            self.rows.append(row)
            self.keys.append(keys)

    def aim(self, width: int, sides: int = 2) -> Aim:
        mask = np.zeros((len(self.rows), width), dtype=bool)
        for row, keys in enumerate(self.keys):
            mask[row, keys] = True
        return Aim(torch.tensor(self.rows, dtype=torch.long).reshape(-1, sides), torch.from_numpy(mask))


def _inside(encoding: Encoding, start: int, end: int, base: int = 0) -> list[int]:
    """Tokens that lie within a character range."""
    return [base + n for n, (a, b) in enumerate(encoding.offsets) if a >= start and b <= end and b > a]


class Packer:
    """Turns episodes into tensors with one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.opening = tokenizer.token_to_id(OPENING)
        self.closing = {tokenizer.token_to_id(name) for name in ("</tool_call>", "<|im_end|>")}
        self.clicks = {tokenizer.token_to_id(f'{name}", "coordinate": [') for name in ("left_click", "triple_click")}
        self.typing = tokenizer.token_to_id('type", "text": "')
        self.comma = tokenizer.token_to_id(",Ġ")
        self.states = {
            text: tokenizer.token_to_id(text.replace(" ", "Ġ")) for text in ('" = "', '" [', *(f" {s}" for s in STATES))
        }
        self.previous = tokenizer.token_to_id("\nPrevious actions:")

    def _encode(self, text: str) -> Encoding:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def pack(self, episode: Episode, dice: random.Random, longest: int = 200) -> Packed:
        """All samples of an episode whose segment takes at most `longest` tokens."""
        page = episode.page
        size = pictures.thumbnail_size(page.screen.width, page.screen.height, PIXELS_BOTH)
        patches, grid = pictures.patches(pictures.draw(page, size, dice))
        rows, columns = grid[1] // 2, grid[2] // 2
        head, tail = self._encode(_HEAD).ids, self._encode("<|vision_end|>").ids
        text = prefix_text(page)
        listed = self._encode(text)
        base = len(head) + rows * columns + len(tail)
        prefix = head + [self.tokenizer.token_to_id("<|image_pad|>")] * (rows * columns) + tail + listed.ids
        positions, start = _positions(len(head), rows, columns, len(prefix))
        turned = self.tokenizer.encode_batch(
            [sample.text + _TURN + sample.reply + _END for sample in episode.samples], add_special_tokens=False
        )
        kept = [
            (sample, encoding)
            for sample, encoding in zip(episode.samples, turned, strict=True)
            if len(encoding.ids) <= longest
        ]
        slots = -(-max((len(encoding.ids) for _, encoding in kept), default=8) // 8) * 8
        lines = _Lines(episode, text, listed, base)
        segments = np.zeros((len(kept), slots), dtype=np.int64)
        labels = np.full((len(kept), slots), -100, dtype=np.int64)
        weights = np.zeros((len(kept), slots), dtype=np.float32)
        align, point, copy, said, states = _Targets(), _Targets(), _Targets(), _Targets(), _Targets()
        quoted: list[tuple[int, int]] = []
        for k, (sample, encoding) in enumerate(kept):
            ids = encoding.ids
            segments[k, : len(ids)] = ids
            opened = ids.index(self.opening)
            labels[k, opened - 1 : len(ids) - 1] = ids[opened:]
            weights[k, opened - 1 : len(ids) - 1] = [
                0.1 if token in self.closing or token == self.opening else 1.0 for token in ids[opened:]
            ]
            weights[k, opened] = 2.0
            self._align(k, sample, encoding, lines, align)
            self._point(k, sample, ids, opened, lines, point, states, page.nodes)
            self._copy(k, sample, encoding, opened, len(prefix), copy)
            if "v" in sample.wording.spans:
                a, b = sample.wording.spans["v"]
                quoted += [
                    (k, s) for s in _inside(encoding, len("\n\nInstruction: ") + a, len("\n\nInstruction: ") + b)
                ]
            self._said(k, sample, encoding, opened, len(prefix), said)
        width = len(prefix) + slots
        aims = {
            "align": align.aim(width),
            "point": point.aim(width),
            "copy": copy.aim(width),
            "said": said.aim(width),
            "line": lines.targets.aim(len(prefix), 1),
        }
        aims["again"] = aims["point"]
        aims["state"] = states.aim(width)
        every = np.concatenate([np.array(prefix), segments.reshape(-1)])
        words = np.array(lines.words + [len(prefix) + k * slots + s for k, s in quoted], dtype=np.int64)
        words = np.random.default_rng(len(words)).permutation(words)[:160]
        numbers = aims["line"].rows[:, 0].numpy()
        own = {
            name: (torch.from_numpy(places), torch.from_numpy(every[places]))
            for name, places in (("point", numbers), ("again", numbers), ("copy", words))
        }
        told = (torch.tensor([x for x, _ in lines.numbers]), torch.tensor([self._state(node) for node in page.nodes]))
        reads = {name: _reads(aims[name], labels, every, len(prefix), slots) for name in ("point", "again", "copy")}
        return Packed(
            torch.tensor(prefix), torch.from_numpy(segments), positions, start, len(head), torch.from_numpy(patches), grid,
            torch.from_numpy(labels), torch.from_numpy(weights), aims, {**own, "state": told}, reads, [sample for sample, _ in kept],
        )  # fmt: skip

    def _state(self, node: Node) -> int:
        """The token that tells most about a node's state."""
        facts = (
            (" disabled", not node.enabled), ('" = "', bool(node.value)), (" filled", bool(node.filled)), (" checked", node.checked is True),
            (" focused", node.focused), (" expanded", bool(node.expanded)), (" selected", bool(node.selected)), ('" [', True),
        )  # fmt: skip
        return int(self.states[next(text for text, holds in facts if holds)])

    def _align(self, k: int, sample: Sample, encoding: Encoding, lines: _Lines, align: _Targets) -> None:
        """Every token of a quoted part looks at the same token of every name or value that begins alike."""
        lead = len("\n\nInstruction: ")
        for letter, (a, b) in sample.wording.spans.items():
            if letter not in "nva":
                continue
            slots = _inside(encoding, lead + a, lead + b)
            said = [encoding.ids[s] for s in slots]
            alive = lines.beginning(said[0]) if said else []
            for depth, s in enumerate(slots):
                alive = [part for part in alive if len(part) > depth and part[depth][0] == said[depth]]
                align.add((k, s), [part[depth][1] for part in alive])

    def _point(
        self,
        k: int,
        sample: Sample,
        ids: list[int],
        opened: int,
        lines: _Lines,
        point: _Targets,
        states: _Targets,
        nodes: Sequence[Node],
    ) -> None:
        """The x of the line that matters, from before the call on; at the last its y."""
        index = sample.call.target
        if index is None:
            index = resolve(sample.ask, nodes)
        if index is None:
            return
        x, y = lines.numbers[index]
        for s in (ids.index(self.previous), opened - 2, opened - 1, opened):
            point.add((k, s), [x])
            states.add((k, s), [x])
        if ids[opened + 1] in self.clicks:
            point.add((k, opened + 1), [x])
            point.add((k, ids.index(self.comma, opened)), [y])

    def _copy(self, k: int, sample: Sample, encoding: Encoding, opened: int, base: int, copy: _Targets) -> None:
        """Each typed token looks at its source in the instruction."""
        if encoding.ids[opened + 1] != self.typing or "v" not in sample.wording.spans:
            return
        lead = len("\n\nInstruction: ")
        a, b = sample.wording.spans["v"]
        for depth, source in enumerate(_inside(encoding, lead + a, lead + b)):
            s = opened + 1 + depth
            if s + 1 < len(encoding.ids) and encoding.ids[s + 1] == encoding.ids[source]:
                copy.add((k, s), [base + source])

    def _said(self, k: int, sample: Sample, encoding: Encoding, opened: int, base: int, said: _Targets) -> None:
        """The places that decide look at the words that name what is meant."""
        lead = len("\n\nInstruction: ")
        shown = (
            sample.ask.kind in ("wait", "until")
            and sample.call.target is not None
            and "coordinate" not in sample.call.arguments
        )
        letters = "v" if shown else "na"
        if sample.ask.kind == "choose" and any(
            letter == "v" and sample.call.target == node for letter, node, _ in sample.links
        ):
            letters = "v"
        spans = [span for letter, span in sample.wording.spans.items() if letter in letters]
        keys = [base + n for a, b in spans for n in _inside(encoding, lead + a, lead + b)]
        ids = encoding.ids
        for s in (ids.index(self.previous), opened - 2, opened - 1, opened):
            said.add((k, s), keys)
        if ids[opened + 1] in self.clicks:
            said.add((k, opened + 1), keys)
            said.add((k, ids.index(self.comma, opened)), keys)


class _Lines:
    """Where names, values and coordinates stand among the prefix tokens."""

    def __init__(self, episode: Episode, text: str, listed: Encoding, base: int) -> None:
        self.whole: list[list[int]] = []
        self.numbers: list[tuple[int, int]] = []
        self.targets = _Targets()
        self.words: list[int] = []
        self._parts: dict[int, list[list[tuple[int, int]]]] = {}
        starts = {start: n for n, (start, _) in reversed(list(enumerate(listed.offsets)))}
        at = len("Elements:")
        shown = text.split("\n")[1 : 1 + len(episode.page.nodes)]
        for node, line in zip(episode.page.nodes, shown, strict=True):
            first, after = starts[at], at + 1 + len(line)
            tokens = range(first, starts.get(after, len(listed.ids)))
            self.whole.append([base + n for n in tokens])
            self.numbers.append((base + tokens[-4], base + tokens[-2]))
            self.words += [base + n for n in tokens[1:-6]]
            named = self._part(listed, tokens, at + 1 + len(node.role) + 2, elements.clean(node.name), base)
            for number in self.numbers[-1]:
                self.targets.add((number,), named)
            if node.value:
                self._part(
                    listed,
                    tokens,
                    at + 1 + len(node.role) + 2 + len(elements.clean(node.name)) + 5,
                    elements.clean(node.value),
                    base,
                )
            at = after

    def _part(self, listed: Encoding, tokens: range, start: int, text: str, base: int) -> list[int]:
        inside = [n for n in tokens if listed.offsets[n][0] >= start and listed.offsets[n][1] <= start + len(text)]
        part = [(listed.ids[n], base + n) for n in inside]
        if part:
            self._parts.setdefault(part[0][0], []).append(part)
        return [base + n for n in inside]

    def beginning(self, token: int) -> list[list[tuple[int, int]]]:
        """Names and values that begin with a token, as (token, prefix index) pairs."""
        return self._parts.get(token, [])


def _reads(
    aim: Aim, labels: np.ndarray, every: np.ndarray, prefix: int, slots: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows whose only right key holds the token that must be said there."""
    rows, keys = aim.rows.numpy(), aim.keys.numpy()
    single = np.flatnonzero(keys.sum(-1) == 1)
    key = keys[single].argmax(-1) if len(single) else np.zeros(0, dtype=np.int64)
    place = np.where(key < prefix, key, key + rows[single, 0] * slots)
    same = every[place] == labels[rows[single, 0], rows[single, 1]]
    return torch.from_numpy(single[same]), torch.from_numpy(every[place[same]])


def _positions(before: int, rows: int, columns: int, total: int) -> tuple[torch.Tensor, int]:
    """Rotary positions `(3, P)` of text, one image, text; and the next free position."""
    image = torch.stack([
        torch.zeros(rows * columns, dtype=torch.long),
        torch.arange(rows).repeat_interleave(columns),
        torch.arange(columns).repeat(rows),
    ]) + before  # fmt: skip
    rest = total - before - rows * columns
    after = before + max(rows, columns)
    text = torch.arange(rest) + after
    return torch.cat([torch.arange(before).expand(3, -1), image, text.expand(3, -1)], dim=1), after + rest
