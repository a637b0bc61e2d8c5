"""Tests of the console over HTTP; what a browser does with it is tested elsewhere."""
