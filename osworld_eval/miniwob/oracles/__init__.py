"""The plays, by family of tasks. Importing one of its files registers its plays in `osworld_eval.miniwob.oracle`."""
