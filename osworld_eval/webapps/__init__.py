"""Tasks on real web applications: each judged by the screen and by the application's own data."""
