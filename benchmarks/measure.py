"""One benchmark by its name, in whichever process this is called; what it needs is imported only there."""

import importlib

from benchmarks.data import Data
from benchmarks.figure import Figure


def figures_of(name: str, data: Data, repetitions: int | None) -> list[Figure]:
    """Return the figures of a benchmark; `repetitions` None leaves their number to it."""
    module = importlib.import_module(f"benchmarks.{name}")
    found: list[Figure] = module.figures(data) if repetitions is None else module.figures(data, repetitions)
    return found
