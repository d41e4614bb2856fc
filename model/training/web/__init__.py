"""Pages rendered by Chromium, with the place of every character and control, to train and to examine the model on.

Nothing here is needed at run time. Fonts and icon packages are those that are installed; none ship with the project.
"""
