"""The views' clock: what they show changes in the very moment in which it was written."""

from datetime import timedelta

from sqlalchemy import Connection, text

from policy import TakerBias
from storage.store import Store
from storage.write import overrides
from tests.support.runs import SLOT, publish

IN_FORCE = "select override_id from policy_latest where symbol = 'BTCUSDT'"
HISTORY = "select override_id from policy_history where symbol = 'BTCUSDT' and valid_to is null order by valid_from"


def newest(connection: Connection, query: str) -> object:
    return connection.execute(text(query)).scalars().all()[-1]


def test_an_override_is_in_force_at_once_and_no_longer_once_it_was_ended(store: Store) -> None:
    publish(store, SLOT)

    with store.writer.begin() as connection:
        for _ in range(20):  # within one transaction, so that most of these fall into the millisecond they were made in
            made = overrides.make_override(
                connection,
                "default",
                "BTCUSDT",
                maker_first=False,
                taker_bias=TakerBias.PREFER_TAKER,
                lasting=timedelta(hours=1),
                author="ann",
                reason="venue maintenance",
            )
            assert newest(connection, IN_FORCE) == made.entry_id
            assert newest(connection, HISTORY) == made.entry_id
            overrides.end_override(connection, "default", "BTCUSDT", author="ann", reason="over")
            assert newest(connection, IN_FORCE) is None
