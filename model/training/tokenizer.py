"""The pilot's own tokenizer: byte-level BPE over isolated pieces, one token for each constant text of the prompt.

Design choices:

- every space, digit, punctuation mark and letter run is a piece of its own, so that a word becomes the same tokens
  wherever it stands and matching can be done by equality;
- a coordinate of the 0-1000 grid is one token, but only inside `[x, y]`; digits elsewhere stay single;
- the scaffold of a node line, of the history and of a call is one token each; text stays byte for byte the real format;
- any Unicode text works by byte fallback.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from model.protocols import computer_use
from model.training import labels
from model.training.words import Pools, Words

__all__ = ["ACTION_OPENINGS", "OPENING", "ROLES", "SPECIALS", "STATES", "TEMPLATE", "build", "save"]

SPECIALS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip

OPENING = '<tool_call>\n{"name": "computer_use", "arguments": {"action": "'
_POINTED = (
    "left_click",
    "right_click",
    "middle_click",
    "double_click",
    "triple_click",
    "mouse_move",
    "left_click_drag",
    "scroll",
    "hscroll",
)
ACTION_OPENINGS = (
    *(f'{name}", "coordinate": [' for name in _POINTED),
    'type", "text": "',
    'answer", "text": "',
    'key", "keys": ["',
    'wait", "time": ',
    'terminate", "status": "success"}}\n</tool_call>',
    'terminate", "status": "failure"}}\n</tool_call>',
    'terminate", "status": "failure", "text": "',
)
_SCAFFOLD = (
    "<tool_call>", "</tool_call>", "<think>", "</think>", OPENING, *ACTION_OPENINGS, "Elements:", "\n\nInstruction: ", "Instruction: ", "\nPrevious actions:", "\nNote: ",
    "\nGoal: ", "Goal: ", "<secret:", "\n(more below)", "\n(more above)",
)  # fmt: skip

ROLES = (
    "button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "option", "tab", "menuitem",
    "heading", "text", "image", "cell", "status", "alert", "slider", "spinbutton", "row", "gridcell", "listitem", "treeitem",
    "columnheader", "dialog", "menu", "list", "table", "group", "form", "region", "img", "navigation", "menuitemcheckbox",
    "menuitemradio", "rowheader", "label", "icon", "window", "progressbar", "toolbar", "generic",
)  # fmt: skip
STATES = ("focused", "checked", "selected", "expanded", "disabled", "filled")
_PAST = (
    *_POINTED,
    "type",
    "key",
    "wait",
    "scroll down",
    "scroll up",
    "scroll left",
    "scroll right",
    "open_url",
    "zoom",
)

_ROLE = "(?:" + "|".join(sorted(ROLES, key=len, reverse=True)) + ")"
_STATE = "(?:" + "|".join(STATES) + ")"
_ACTION = "(?:" + "|".join(sorted(_PAST, key=len, reverse=True)) + ")"
_PIECES = "|".join((
    r"\d{1,4}(?=, \d{1,4}\])",
    r"(?<=, )\d{1,4}(?=\])",
    rf"\n{_ROLE} \"",
    rf" {_ROLE} \"",
    rf"\n\d{{1,2}}\. {_ACTION}(?=[ \n]|\z)",
    rf" {_STATE}(?= (?:\[|{_STATE}))",
    r"\" = \"",
    r"\" \[",
    r"\" into(?= )",
    r" \[(?=\d)",
    r"\], \"pixels\": -?\d+\}\}\n",
    r"\]\}\}\n",
    r"\"\}\}\n",
    r"\"\]\}\}\n",
    r"\}\}\n",
    r"\", \"",
    r", ",
    r"\p{L}\p{M}*(?:\p{L}\p{M}*)*",
    r"\d",
    r"\s",
    r"[^\s\p{L}\d]",
))  # fmt: skip


_COMMON = """system user assistant press click tap open select go to hit type enter fill set put write in into the a an field box
input button link tab menu item option list dropdown checkbox switch radio icon check uncheck tick untick turn on off enable
disable first second third fourth fifth last next any free available until is shown visible appears appear if it there wait for
scroll down up page row of with and then as choose pick value text key ctrl alt shift escape backspace delete tab space home end
refused by policy rule target changed not did hit again Zurich seconds on at from clear mark toggle activate left right"""


def _label_words() -> set[str]:
    """Every word of the written labels, as written and in lower case."""
    texts = [
        *labels.BUTTONS,
        *labels.LINKS,
        *labels.FIELDS,
        *labels.CHECKS,
        *labels.HEADINGS,
        *labels.ROW_ACTIONS,
        *labels.STEMS,
    ]
    texts += [text for name, options in labels.CHOICES.items() for text in (name, *options)]
    words = {word for text in texts for word in re.findall(r"[^\W\d_]+", text)}
    return words | {word.lower() for word in words}


def _scaffold_pieces() -> list[str]:
    pieces = [f'\n{role} "' for role in ROLES] + [f' {role} "' for role in ROLES] + [f" {state}" for state in STATES]
    pieces += [f"\n{n}. {action}" for n in range(1, 13) for action in _PAST]
    pieces += sorted(_label_words() | set(_COMMON.split()))
    return [
        *pieces,
        '" = "',
        '" [',
        '" into',
        " [",
        "]}}\n",
        "}}\n",
        '], "pixels": -500}}\n',
        '], "pixels": 500}}\n',
        '"}}\n',
        '"]}}\n',
        '", "',
        ", ",
    ]


def _corpus(pools: Pools, seed: int) -> Iterable[str]:
    """Text whose words decide the merges: interface labels often, drawn words otherwise."""
    words = Words(pools.of("train"), random.Random(seed))
    own = [
        *labels.BUTTONS,
        *labels.LINKS,
        *labels.FIELDS,
        *labels.CHECKS,
        *labels.HEADINGS,
        *labels.ROW_ACTIONS,
        *labels.STEMS,
    ]
    own += [text for name, options in labels.CHOICES.items() for text in (name, *options)]
    for _ in range(6):
        yield from own
        yield from (text.lower() for text in own)
    for _ in range(25_000):
        yield words.phrase()
        yield words.value()


def _bytes_to_chars() -> dict[int, str]:
    """The byte alphabet of byte-level BPE."""
    alphabet = {}
    extra = 0
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte <= 255:
            alphabet[byte] = chr(byte)
        else:
            alphabet[byte] = chr(256 + extra)
            extra += 1
    return alphabet


def _layout() -> Any:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def build(pools: Pools, merges: int = 2200, seed: int = 5) -> Tokenizer:
    """Train the merges and put the vocabulary together. Deterministic."""
    alphabet = _bytes_to_chars()
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = _layout()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + merges, initial_alphabet=sorted(alphabet.values()), show_progress=False, special_tokens=[]
    )
    learner.train_from_iterator(_corpus(pools, seed), trainer)
    learnt = json.loads(learner.to_str())["model"]
    vocab: dict[str, int] = {token: rank for token, rank in sorted(learnt["vocab"].items(), key=lambda item: item[1])}

    def add(text: str) -> None:
        vocab.setdefault("".join(alphabet[byte] for byte in text.encode()), len(vocab))

    for text in [*_scaffold_pieces(), *(str(n) for n in range(1001))]:
        add(text)
    pairs = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in learnt["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=pairs, ignore_merges=True))
    tokenizer.pre_tokenizer = _layout()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIALS])
    scaffold = [*_SCAFFOLD, computer_use.system_text()]
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in dict.fromkeys(scaffold)])
    return tokenizer


TEMPLATE = """{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content is string %}
{{- message.content }}
{%- else %}
{%- for part in message.content %}
{%- if part.type == 'image' or 'image' in part or 'image_url' in part %}
{{- '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif 'text' in part %}
{{- part.text }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja`."""
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(folder)
    # The byte-exact file, whatever the wrapper normalises.
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
