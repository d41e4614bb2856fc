"""`agent record` and `agent learn`: from what a person did, or from a film of it, to a task and a flow."""
