"""Sizes small enough to train in a test."""

from __future__ import annotations

from model.training.architecture import Sizes

TINY = Sizes(
    text_hidden=64,
    text_layers=6,
    text_heads=4,
    text_kv_heads=2,
    text_inner=64,
    vision_hidden=32,
    vision_heads=2,
    vision_inner=32,
)
