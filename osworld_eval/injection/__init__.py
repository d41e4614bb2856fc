"""Orders on the screen: cases in which a page tells the agent what to do, and a model that does it."""
