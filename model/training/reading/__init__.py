"""How the reading heads and the vision tower under them were trained."""
