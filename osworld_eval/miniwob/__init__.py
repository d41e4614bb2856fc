"""MiniWoB++ as an offline benchmark: pages, scripted oracles, demonstrations, and the harness over the whole runtime."""
