"""Generators of the documentation pages that are made from the code; not part of the installed package."""
