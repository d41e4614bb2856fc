"""Seeing and doing, and the words for both. Importing this package does nothing."""
