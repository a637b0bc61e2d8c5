"""Columns of the store as Arrow arrays: times in UTC, flags, categories, codes, counts and figures."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow

TIME = pyarrow.timestamp("us", tz="UTC")
FLAG = pyarrow.bool_()
COUNT = pyarrow.int64()
FIGURE = pyarrow.float64()
CATEGORY = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
CODES = pyarrow.list_(
    pyarrow.struct([("code", pyarrow.string()), ("value", pyarrow.float64()), ("threshold", pyarrow.float64())])
)

_NAMES = (
    (TIME, "slot previous_slot valid_from valid_to since day as_of"),
    (FLAG, "maker_first computed_maker_first previous_maker_first"),
    (COUNT, "fencing_token probe_every maker_posts digest_form"),
    (FIGURE, "expectancy slip_q25 slip_q50 slip_q75 money mean_notional"),
    (
        CATEGORY,
        "scope symbol quality previous_quality regime previous_regime taker_bias computed_taker_bias "
        "previous_taker_bias rule_set origin engine code_version author override_author ended_by owner state "
        "comparison route",
    ),
    (CODES, "codes"),
    (
        pyarrow.string(),
        "reason previous_reason override_reason end_reason last_error sources shadows digest previous_digest "
        "rule_set_digest holdout_salt experiment",
    ),
)
_KINDS = {name: kind for kind, names in _NAMES for name in names.split()}
_ENDINGS = (
    (TIME, ("_at",)),
    (COUNT, ("_count", "_id")),
    (FIGURE, ("_ratio", "_share", "_pct", "_bps", "_seconds", "_money")),
)


def kind_of(name: str) -> pyarrow.DataType | None:
    """Return the Arrow type of a column, by its name or its ending; None for an unknown column of a newer store."""
    known = _KINDS.get(name)
    return known or next((kind for kind, endings in _ENDINGS if name.endswith(endings)), None)


def arrow_array(name: str, values: Sequence[object]) -> pyarrow.Array:
    """Return a column's values, as either driver gives them, as an array; null stays null.

    An unknown column gets the type of its values. Raises ValueError if the values are not of the column's kind.
    """
    kind = kind_of(name)
    try:
        if kind == TIME:
            return _times(values)
        if kind == FLAG:
            return pyarrow.array([_FLAGS[value] for value in values], FLAG)
        if kind == CODES:
            return pyarrow.array([None if value is None else json.loads(str(value)) for value in values], CODES)
        return pyarrow.array(values, kind)
    except (pyarrow.ArrowException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"column {name}: {error}") from error


_FLAGS: Mapping[object, bool | None] = {None: None, 0: False, 1: True}  # as keys, False is 0 and True is 1


def _times(values: Sequence[object]) -> pyarrow.Array:
    """Read aware times of Postgres, or the texts of SQLite, which are UTC without a zone."""
    if any(isinstance(value, datetime) for value in values):
        return pyarrow.array(values, TIME)
    return pyarrow.array(values, pyarrow.string()).cast(pyarrow.timestamp("us")).cast(TIME)
