"""What holds for an override however a person makes it: its usual patience, and how long it may last."""

from datetime import timedelta

from console.settings.duration import duration_words
from policy import TakerBias


def usual_bias(maker_first: bool) -> TakerBias:
    """Return the taker bias of an override whose maker does not name one."""
    return TakerBias.BALANCED if maker_first else TakerBias.PREFER_TAKER


def why_too_long(lasting: timedelta, longest: timedelta) -> str | None:
    """Return why an override may not last so long, None if it may."""
    if lasting <= longest:
        return None
    return (
        f"{duration_words(lasting)} is longer than overrides.longest, which is {duration_words(longest)}; "
        "give a shorter time, and override again later"
    )
