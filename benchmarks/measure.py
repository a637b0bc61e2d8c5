"""One benchmark by its name; its imports happen only in the process that runs it."""

import importlib

from benchmarks.data import Data
from benchmarks.figure import Figure


def figures_of(name: str, data: Data, repetitions: int | None) -> list[Figure]:
    """Return the figures of a benchmark; `repetitions` None means its default."""
    module = importlib.import_module(f"benchmarks.{name}")
    figures: list[Figure] = module.figures(data) if repetitions is None else module.figures(data, repetitions)
    return figures
