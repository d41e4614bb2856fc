"""The reading heads see the stock tower's own hidden states."""

import numpy as np
import pytest
import torch
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLVisionConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionModel

from model.reading.alphabet import Alphabet, folded
from model.reading.heads import Heads, levels
from model.reading.tiles import flat_patches


@pytest.fixture(scope="module")
def tower() -> Qwen3VLVisionModel:
    torch.manual_seed(5)
    config = Qwen3VLVisionConfig(
        depth=3, hidden_size=48, num_heads=4, intermediate_size=96, patch_size=16, out_hidden_size=32,
        deepstack_visual_indexes=[0, 1], num_position_embeddings=64,
    )  # fmt: skip
    return Qwen3VLVisionModel(config).eval()


def merge_order(rows: int, columns: int) -> np.ndarray:
    grid = np.arange(rows * columns).reshape(rows // 2, 2, columns // 2, 2)
    return grid.transpose(0, 2, 1, 3).reshape(-1)


@pytest.mark.parametrize("grid", [(10, 42), (14, 20), (2, 6)])
def test_levels_are_the_hidden_states_of_the_stock_forward(tower: Qwen3VLVisionModel, grid: tuple[int, int]) -> None:
    rows, columns = grid
    pixels = np.random.default_rng(1).integers(0, 256, (2, rows * 16, columns * 16, 3), dtype=np.uint8)
    flat = torch.from_numpy(np.stack([flat_patches(one) for one in pixels]))
    with torch.inference_mode():
        mine = levels(tower, flat, grid)[-1]
        order = merge_order(rows, columns)
        for n in range(2):
            twice = flat[n][order].view(-1, 3, 1, 256).expand(-1, -1, 2, -1).reshape(rows * columns, -1)
            stock = tower(twice, grid_thw=torch.tensor([[1, rows, columns]])).last_hidden_state
            worst = (mine[n][order] - stock).abs().max().item()
            print(f"largest difference {worst:.2e}")
            assert worst < 2e-5


def test_heads_have_the_shapes_they_promise(tower: Qwen3VLVisionModel) -> None:
    alphabet = Alphabet(icons=("", "search", "close"))
    heads = Heads(48, 3, alphabet)
    said = heads([torch.randn(2, 420, 48) for _ in range(3)], torch.randn(2, 420, 768), (10, 42))
    assert said.glyphs.shape == (2, 20, 336, len(alphabet.characters) + 2)
    assert said.begins.shape == (2, 20, 336) and said.places.shape == (2, 20, 336, 3)
    assert said.edges.shape == (2, 20, 84, 4) and said.trusts.shape == (2, 20, 84)
    assert said.icons.shape == (2, 20, 84, 3)


def test_folding_keeps_the_number_of_characters() -> None:
    for text in ("Žluťoučký kůň", "Å·ﬁ‑x", "naïve…", "日本", "a\u0301b"):
        assert len(folded(text)) == len(text)
    assert folded("Kraków – Łódź") == "Krakow – Łodz"
