"""Tables of rows against a shop that counts, while everything around them breaks."""
