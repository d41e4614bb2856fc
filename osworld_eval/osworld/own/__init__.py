"""Our own suite in OSWorld's format, on the desktop sandbox."""
