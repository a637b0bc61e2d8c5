"""Tests of the pages in a real browser; what stands in them as they leave the server is tested in tests/web."""
