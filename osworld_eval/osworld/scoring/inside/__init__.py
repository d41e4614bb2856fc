"""Programs of the scoring environment: they run on its Python, where nothing of deskhand can be imported."""
