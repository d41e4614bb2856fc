"""Scoring by OSWorld's own evaluators, in an environment of their own, behind a wall."""
