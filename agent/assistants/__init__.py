"""`agent mcp`: the runtime for assistants, over the Model Context Protocol. They ask; policy and people decide."""
