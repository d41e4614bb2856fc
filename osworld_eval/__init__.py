"""Benchmarks at arm's length from the runtime. Importing this package does nothing."""
