"""How the pilot checkpoint is made: words, pages, instructions, their right answers, packing, losses, one command.

Nothing in the runtime imports this package. It knows the prompt only through `model.protocols`.
"""
