"""The article's table."""
