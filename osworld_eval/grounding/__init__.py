"""Grounding: from an instruction and a picture of a screen to the point that is meant. Importing does nothing."""
