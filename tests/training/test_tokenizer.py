"""The pilot's tokenizer: byte for byte, the same after a reload, one token where one is meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from model.protocols import computer_use
from model.training import tokenizer as tokens

TEXTS = [
    'Elements:\ntextbox "From" = "Zürich HB" focused [214, 318]\nbutton "Seat 12A, taken" disabled [1000, 0]\n(more below)',
    '\n\nInstruction: type Łukasz Željko 日本 🛫 into the Name field.\nPrevious actions:\n1. left_click button "Search"\n2. scroll down',
    computer_use.render_call({"action": "type", "text": 'a "quoted" \\ <secret:card_number>'}),
    computer_use.render_call({"action": "left_click", "coordinate": [512, 20]}),
    computer_use.render_call({"action": "scroll", "coordinate": [500, 500], "pixels": -500}),
    computer_use.render_call({"action": "key", "keys": ["ctrl", "a"]}),
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_byte_for_byte(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_reloading_gives_the_same_ids(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokens.save(tokenizer, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert (
            loaded(text, add_special_tokens=False)["input_ids"] == tokenizer.encode(text, add_special_tokens=False).ids
        )
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Elements:"}]}]
    shown = loaded.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert (
        shown
        == "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Elements:<|im_end|>\n<|im_start|>assistant\n"
    )


def test_constant_texts_and_grid_numbers_are_single_tokens(tokenizer: Tokenizer) -> None:
    def split(text: str) -> list[str]:
        return [
            tokenizer.decode([n], skip_special_tokens=False)
            for n in tokenizer.encode(text, add_special_tokens=False).ids
        ]

    assert len(split(computer_use.system_text())) == 1
    call = split(computer_use.render_call({"action": "left_click", "coordinate": [512, 20]}))
    assert call[1:] == ['left_click", "coordinate": [', "512", ", ", "20", "]}}\n", "</tool_call>"]
    assert split('\nbutton "A" [7, 100]') == ['\nbutton "', "A", '" [', "7", ", ", "100", "]"]


def test_a_word_is_cut_alike_wherever_it_stands(tokenizer: Tokenizer) -> None:
    word = tokenizer.encode("Željkowitz", add_special_tokens=False).ids
    for text in (
        '\ntextbox "Željkowitz" [1, 2]',
        "press Željkowitz.",
        '"Željkowitz"',
        'type", "text": "Željkowitz"}}\n',
    ):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert any(ids[n : n + len(word)] == word for n in range(len(ids)))
