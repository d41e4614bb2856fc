"""One kind of page for the Wagtail site: a title and a body."""
