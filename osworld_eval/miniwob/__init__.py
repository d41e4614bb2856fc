"""MiniWoB++ as an offline benchmark: scripted oracles, demonstrations, and the harness over the whole runtime."""
