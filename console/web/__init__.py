"""The console over HTTP: an API for programs, pages for people, metrics for monitoring. It writes overrides alone."""
