"""Closed loops with the bots' programs: collected only in the environment that `make bots` installs them in."""

from importlib.util import find_spec

if find_spec("freqtrade") is None and find_spec("hummingbot") is None:
    collect_ignore_glob = ["test_*.py"]
