"""Closed loops with the bots' programs: each is collected only in the environment that its target installs it in."""

from importlib.util import find_spec
from pathlib import Path

_OF_HUMMINGBOT = "test_hummingbot_loop.py"
_OTHERS = [path.name for path in Path(__file__).parent.glob("test_*.py") if path.name != _OF_HUMMINGBOT]

collect_ignore = [
    *(() if find_spec("hummingbot") else (_OF_HUMMINGBOT,)),
    *(() if find_spec("freqtrade") else _OTHERS),
]
