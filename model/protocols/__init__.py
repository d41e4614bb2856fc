"""How a family of checkpoints is spoken to: tool schema, prompt, grammar, parsing, and the 0-1000 grid."""
