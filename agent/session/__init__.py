"""A run whose acts come one by one from outside: from an assistant (`agent mcp`) or from a test (`surface`)."""
