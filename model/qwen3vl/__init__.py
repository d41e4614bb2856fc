"""An in-process Qwen3-VL: transformers' modules and weights, our processor, prefix cache, engine and grammar."""
