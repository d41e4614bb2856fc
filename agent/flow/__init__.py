"""Flows: a verified run as steps that can be done again without a model."""
