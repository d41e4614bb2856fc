"""The pytest plugin `deskhand`: a team's own suite drives screens. See `docs/how-to/test-with-pytest.md`."""
