"""The savings that runs store: of the orders before each slot, once each, and what follows for the holdout."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.commands import costs
from console.settings.file import load
from console.settings.plan import plan_of
from jobs.plan import EngineChoice, EngineKind
from jobs.run.lease_owner import claim
from jobs.run.run_savings import new_savings
from jobs.run.worker import RunTask, compute_slot
from policy.experiment.saving import Comparison
from storage.read.pages import PageBounds
from storage.read.policies import latest
from storage.read.savings import KnownSavings, SavingPoint, known_savings, saving_series
from storage.records import Origin
from storage.store import Store
from tests.support.bots import write_bot
from tests.support.experiments import FEES, append_rows, experiment_rows
from tests.support.store_calls import read

START = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
DAY = timedelta(days=1)
MAKER = Comparison.MAKER_AGAINST_TAKER


class Bot:
    """A bot with an experiment whose slots are computed one after the other."""

    def __init__(self, folder: Path, experiment: str = "share = 0.125\nuntil_bps = 100\nthen = 0.01") -> None:
        self.settings = write_bot(folder, START, more=f"{FEES}[experiment]\n{experiment}\n")
        self.plan, self.url = plan_of(load(self.settings)), f"sqlite:///{folder / 'policy.db'}"
        self.log = folder / "logs" / "order_metrics.jsonl"
        self.store = Store(self.url)
        self.store.set_up()

    def run(self, slot: datetime, origin: Origin = Origin.SCHEDULE) -> None:
        """Compute and publish a slot."""
        lease = claim(self.store, self.plan.scope, slot, timedelta(minutes=5))
        compute_slot(RunTask(plan=self.plan, store_url=self.url, lease=lease, origin=origin), self.store)

    def series(self, symbol: str = "") -> Sequence[SavingPoint]:
        """Return what was stored of maker first against taker, the newest first."""
        return read(self.store, saving_series, self.plan.scope, symbol, MAKER, PageBounds(limit=50))

    def shares(self) -> list[float | None]:
        """Return the holdout of the policies in force, by symbol."""
        policies = sorted(read(self.store, latest, self.plan.scope), key=lambda policy: policy.symbol)
        return [policy.snapshot.holdout_share for policy in policies]


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return Bot(tmp_path)


def test_a_run_stores_what_the_orders_before_its_slot_saved_since_the_first_holdout(bot: Bot) -> None:
    """40 orders from the first run on save 2.989286 bps each; see the costs of the same orders."""
    append_rows(bot.log, experiment_rows(START))  # before any run held orders out: they do not count
    bot.run(START)
    assert bot.series() == []

    append_rows(bot.log, experiment_rows(START + DAY))
    append_rows(bot.log, experiment_rows(START + 2 * DAY, "LATER"))  # after the slot: not read
    bot.run(START + DAY)

    (point,) = bot.series()
    assert (point.slot, point.saving.since) == (START + DAY, START)
    assert (point.saving.figure.order_count, point.saving.figure.taker_count) == (40, 5)
    assert point.saving.figure.saving_bps == pytest.approx(2.989286, abs=1e-6)
    assert bot.series("GOODUSDT")[0].saving.figure == replace(point.saving.figure, symbol="GOODUSDT")
    assert bot.series("LATER") == []
    list(bot.store.verify())


def test_a_figure_is_stored_again_only_if_it_is_new(bot: Bot) -> None:
    bot.run(START)
    append_rows(bot.log, experiment_rows(START + DAY))
    bot.run(START + DAY)
    bot.run(START + DAY + timedelta(minutes=15))
    assert [point.slot for point in bot.series()] == [START + DAY]

    append_rows(bot.log, experiment_rows(START + 2 * DAY, "OTHER"))
    bot.run(START + 2 * DAY)
    assert [point.slot for point in bot.series()] == [START + 2 * DAY, START + DAY]
    assert [point.slot for point in bot.series("GOODUSDT")] == [START + DAY]
    assert bot.series()[0].saving.figure.order_count == 80


def test_the_share_falls_in_the_run_after_the_one_that_knew_the_saving_well_enough(bot: Bot) -> None:
    """The margin of 40 orders is 1.45 bps, which is within the 100 of the settings."""
    bot.run(START)
    append_rows(bot.log, experiment_rows(START + DAY))
    bot.run(START + DAY)
    before = bot.shares()
    bot.run(START + DAY + timedelta(minutes=15))

    assert {share for share in before if share is not None} == {0.125}
    assert bot.shares() == [None if share is None else 0.01 for share in before]
    list(bot.store.verify())


def test_the_share_stays_while_the_saving_is_not_known_well_enough(tmp_path: Path) -> None:
    bot = Bot(tmp_path, "share = 0.125\nuntil_bps = 1\nthen = 0.01")
    bot.run(START)
    append_rows(bot.log, experiment_rows(START + DAY))
    for slot in (START + DAY, START + DAY + timedelta(minutes=15)):
        bot.run(slot)

    assert bot.series()[0].saving.figure.sent_margin_bps == pytest.approx(1.45, abs=0.01)
    assert {share for share in bot.shares() if share is not None} == {0.125}


def test_without_an_experiment_nothing_is_read_or_stored(tmp_path: Path) -> None:
    bot = Bot(tmp_path, "share = 0")
    bot.run(START)
    append_rows(bot.log, experiment_rows(START + DAY))
    bot.run(START + DAY)

    known = read(bot.store, known_savings, bot.plan.scope)
    assert (known.since, dict(known.newest)) == (None, {})


def test_costs_of_orders_since_later_than_the_holdout_name_when_it_began(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seven days before the newest slot, from which orders count by default, no order was held out yet."""
    bot.run(START)
    append_rows(bot.log, experiment_rows(START + DAY))
    hint = "  the holdout began at 2026-04-26T00:15:00Z: intervals hold at every look if --since is that each time"

    for since, is_named in ((START + timedelta(hours=1), True), (START, False), (None, False)):
        costs.command(since=since, config=bot.settings)
        assert (hint in capsys.readouterr().out.splitlines()) is is_named, since


def test_a_backfill_stores_no_saving(bot: Bot) -> None:
    bot.run(START)
    append_rows(bot.log, experiment_rows(START + DAY))
    bot.run(START + DAY, Origin.BACKFILL)

    assert bot.series() == []


def test_a_plan_on_spark_reads_nothing_for_its_savings(bot: Bot) -> None:
    append_rows(bot.log, experiment_rows(START + DAY))
    known = KnownSavings(since=START)
    on_spark = replace(bot.plan, engine=EngineChoice(kind=EngineKind.SPARK, remote="sc://127.0.0.1:1"))

    assert len(new_savings(bot.plan, START + DAY, known)) == 4
    assert new_savings(on_spark, START + DAY, known) == ()
