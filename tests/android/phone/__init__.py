"""A small phone that speaks adbd's wire protocol and draws real screens, for tests and for those without a phone."""
