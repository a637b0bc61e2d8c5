"""The four rules by which a maker order may fill, as far as candles can tell."""

from enum import StrEnum


class FillRule(StrEnum):
    """How far the price must trade for an order that rests at its limit to fill."""

    AT_LIMIT = "at-limit"
    THROUGH = "through"
    ONE_BPS_BEYOND = "1bps-beyond"
    TWO_BPS_BEYOND = "2bps-beyond"
