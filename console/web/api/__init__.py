"""The API under /v1: its routes and its records."""
