"""Migrations of the store, applied by `agent.store.engine`. Importing this package does nothing."""
