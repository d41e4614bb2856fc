"""Reading a screen from its pixels: dense heads on a checkpoint's vision tower, and what they say as nodes."""
