"""The tables of runs: what each one published, whole or not at all."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from storage.schema.column_types import COUNT, REAL, Flag, UtcTimestamp
from storage.schema.table_parts import digest_form, finite, metadata, one_of

policy_rule_set = Table(
    "policy_rule_set",
    metadata,
    Column("digest", Text, primary_key=True, comment="SHA-256 over name, version and parameters"),
    Column("name", Text, nullable=False, comment="the rule set's name"),
    Column("version", COUNT, nullable=False, comment="the version of its code"),
    Column("parameters", Text, nullable=False, comment="its parameters as JSON, keys sorted"),
    comment="The rule sets that have decided, each with its parameters.",
    sqlite_strict=True,
)

policy_run = Table(
    "policy_run",
    metadata,
    Column(
        "run_id",
        COUNT,
        primary_key=True,
        autoincrement=False,
        comment="its number in the chain",
    ),
    Column("scope", Text, ForeignKey("policy_scope.scope"), nullable=False, comment="the scope"),
    Column("slot", UtcTimestamp, nullable=False, comment="the scheduled time: the as_of of the run"),
    Column("origin", Text, nullable=False, comment="schedule, manual or backfill"),
    Column("rule_set", Text, nullable=False, comment="name of the rule set that decided"),
    Column("rule_set_digest", Text, ForeignKey("policy_rule_set.digest"), nullable=False, comment="that rule set"),
    Column("engine", Text, nullable=False, comment="the engine that measured, with its version"),
    Column("code_version", Text, nullable=False, comment="version of router-policy"),
    Column("owner", Text, nullable=False, comment="host:process@start that computed it"),
    Column("started_at", UtcTimestamp, nullable=False, comment="when computing began"),
    Column("published_at", UtcTimestamp, nullable=False, comment="when it was published: readers see it from then on"),
    Column("symbol_count", COUNT, nullable=False, comment="how many snapshots it has"),
    Column("event_count", COUNT, nullable=False, comment="how many order outcomes were used"),
    Column("reject_count", COUNT, nullable=False, comment="how many rows of the sources were rejected"),
    Column("sources", Text, nullable=False, comment="what the sources looked like, as JSON"),
    Column("digest", Text, nullable=False, comment="SHA-256 over the run, its rows and the digest before it"),
    Column("previous_digest", Text, nullable=False, comment="the digest of the entry before, empty for the first"),
    Column("shadows", Text, comment="rule sets in its shadow, JSON: name to digest; null if there are none"),
    digest_form(),
    Column("experiment", Text, comment="the experiment of which its holdouts are, as JSON; null without one"),
    UniqueConstraint("scope", "slot"),
    UniqueConstraint("previous_digest"),
    one_of("origin", "schedule", "manual", "backfill"),
    comment="One row per run. A run is published whole or not at all.",
    sqlite_strict=True,
)

_MAKER_POSTS = "how many posts the full wait is divided into; null: 1"
_PROBE_SHARE = "share of every order that rests as maker while the rest is held back and crosses; null: none"


def _maker_posts() -> Column[int]:
    return Column("maker_posts", COUNT, comment=_MAKER_POSTS)


def _probe_share() -> Column[float]:
    return Column("probe_share", REAL, comment=_PROBE_SHARE)


_PROBE_EVERY = "of how many orders one may go out as a maker probe while the rest are held back; null: no probes"

_SURVIVORS = "of the maker starts, those of a kind whose misses the source does not keep; null if there are none"

policy_snapshot = Table(
    "policy_snapshot",
    metadata,
    Column("run_id", COUNT, ForeignKey("policy_run.run_id"), primary_key=True, comment="the run"),
    Column("symbol", Text, primary_key=True, comment="the market, as the order log names it"),
    Column("scope", Text, nullable=False, comment="the run's scope"),
    Column("slot", UtcTimestamp, nullable=False, comment="the run's slot"),
    Column("maker_first", Flag, nullable=False, comment="false: skip the maker attempt and cross"),
    Column(
        "taker_bias", Text, nullable=False, comment="prefer_maker, balanced or prefer_taker: full, half, quarter wait"
    ),
    Column("quality", Text, nullable=False, comment="good, ok, degraded or broken"),
    Column("regime", Text, nullable=False, comment="quiet, normal, hot, panic or unknown"),
    Column("reason", Text, nullable=False, comment="why, for people"),
    Column("codes", Text, nullable=False, comment="why, for programs: JSON list of code, value, threshold"),
    Column("maker_fill_ratio", REAL, comment="filled as maker / started as maker; null when none started"),
    Column("fallback_ratio", REAL, comment="fell back to taker / started as maker; null when none started"),
    Column("slip_q25", REAL, comment="lower quartile of slippage in bps against the mid, + is worse"),
    Column("slip_q50", REAL, comment="median of slippage in bps against the mid, + is worse"),
    Column("slip_q75", REAL, comment="upper quartile of slippage in bps against the mid, + is worse"),
    Column("outcome_count", COUNT, nullable=False, comment="order outcomes in the seven days before the slot"),
    Column("maker_started_count", COUNT, nullable=False, comment="of these, started as maker"),
    Column("slippage_count", COUNT, nullable=False, comment="of these, with a slippage"),
    Column("atr_short_pct", REAL, comment="mean true range of 50 bars in percent of the last close"),
    Column("atr_long_pct", REAL, comment="mean true range of 500 bars in percent of the last close"),
    Column("atr_ratio", REAL, comment="short / long; null with fewer than 500 bars"),
    Column("bar_count", COUNT, nullable=False, comment="closed bars that were there, 500 at most"),
    Column("bar_age_seconds", REAL, comment="from the close of the last closed bar to the slot; null without a bar"),
    Column("expectancy", REAL, comment="realized profit per notional in the slot's hour of day; null without any"),
    Column("expectancy_count", COUNT, nullable=False, comment="outcomes behind the expectancy"),
    Column("maker_offset_bps", REAL, nullable=False, comment="distance of the maker price from the mid"),
    Column("rule_set", Text, nullable=False, comment="name of the rule set that decided"),
    Column("probe_every", COUNT, comment=_PROBE_EVERY),
    Column("survivor_count", COUNT, comment=_SURVIVORS),
    _maker_posts(),
    _probe_share(),
    Column("holdout_share", REAL, comment="share of orders that go the other way, chosen by their ids; null: none"),
    Column("holdout_salt", Text, comment="what their ids are hashed with; null: no holdout"),
    one_of("taker_bias", "prefer_maker", "balanced", "prefer_taker"),
    one_of("quality", "good", "ok", "degraded", "broken"),
    one_of("regime", "quiet", "normal", "hot", "panic", "unknown"),
    *map(
        finite,
        (
            "maker_fill_ratio fallback_ratio slip_q25 slip_q50 slip_q75 atr_short_pct atr_long_pct "
            "atr_ratio bar_age_seconds expectancy maker_offset_bps probe_share holdout_share"
        ).split(),
    ),
    Index(None, "scope", "symbol", "slot"),
    comment="The policy for one symbol as of one slot, with everything that it was decided on.",
    sqlite_strict=True,
)

policy_reject = Table(
    "policy_reject",
    metadata,
    Column("run_id", COUNT, ForeignKey("policy_run.run_id"), primary_key=True, comment="the run"),
    Column("source", Text, primary_key=True, comment="orders or candles"),
    Column("reason", Text, primary_key=True, comment="why the rows were rejected"),
    Column("reject_count", COUNT, nullable=False, comment="how many"),
    Column("sample", Text, nullable=False, comment="where one of them is: file and line, or what names it"),
    comment="Rows of the sources that a run rejected, counted by reason.",
    sqlite_strict=True,
)

policy_shadow = Table(
    "policy_shadow",
    metadata,
    Column("run_id", COUNT, ForeignKey("policy_run.run_id"), primary_key=True, comment="the run"),
    Column("symbol", Text, primary_key=True, comment="the market"),
    Column("rule_set", Text, primary_key=True, comment="name of the rule set that would have decided so"),
    Column("maker_first", Flag, nullable=False, comment="false: it would skip the maker attempt and cross"),
    Column("taker_bias", Text, nullable=False, comment="prefer_maker, balanced or prefer_taker"),
    Column("quality", Text, nullable=False, comment="good, ok, degraded or broken"),
    Column("regime", Text, nullable=False, comment="quiet, normal, hot, panic or unknown"),
    Column("reason", Text, nullable=False, comment="why, for people"),
    Column("codes", Text, nullable=False, comment="why, for programs: JSON list of code, value, threshold"),
    Column("maker_offset_bps", REAL, nullable=False, comment="distance of the maker price from the mid"),
    Column("probe_every", COUNT, comment=_PROBE_EVERY),
    _maker_posts(),
    _probe_share(),
    one_of("taker_bias", "prefer_maker", "balanced", "prefer_taker"),
    one_of("quality", "good", "ok", "degraded", "broken"),
    one_of("regime", "quiet", "normal", "hot", "panic", "unknown"),
    *map(finite, ("maker_offset_bps", "probe_share")),
    comment="What rule sets in the shadow of the live one would have decided, on the same evidence.",
    sqlite_strict=True,
)

policy_breaker = Table(
    "policy_breaker",
    metadata,
    Column("run_id", COUNT, ForeignKey("policy_run.run_id"), primary_key=True, comment="the run"),
    Column("symbol", Text, primary_key=True, comment="the market"),
    Column("rule_set", Text, primary_key=True, comment="name of the rule set, live or in the shadow"),
    Column("state_before", Text, comment="its state before the run, as JSON; null for a first run"),
    Column(
        "miss_streak",
        COUNT,
        nullable=False,
        comment="maker orders of 24 hours that did not fill, after the last that did",
    ),
    Column(
        "start_count", COUNT, nullable=False, comment="maker orders before that streak, since the evidence restarted"
    ),
    Column("miss_count", COUNT, nullable=False, comment="of these, not filled as maker"),
    Column(
        "reject_streak",
        COUNT,
        nullable=False,
        comment="the last maker orders that the venue refused as post-only, in a row",
    ),
    Column("probe_count", COUNT, nullable=False, comment="maker orders since the symbol's breaker opened: probes"),
    Column("probe_filled_count", COUNT, nullable=False, comment="of these, filled"),
    Column("last_probe_at", UtcTimestamp, comment="the newest of them"),
    Column("pool_miss_streak", COUNT, nullable=False, comment="the streak of misses over all symbols of the scope"),
    Column("pool_start_count", COUNT, nullable=False, comment="maker orders of all symbols before that streak"),
    Column("pool_miss_count", COUNT, nullable=False, comment="of these, not filled as maker"),
    Column(
        "pool_probe_count",
        COUNT,
        nullable=False,
        comment="maker orders since the scope's breaker opened: probes",
    ),
    Column("pool_probe_filled_count", COUNT, nullable=False, comment="of these, filled"),
    Column("pool_last_probe_at", UtcTimestamp, comment="the newest of them"),
    Column("fee_gap_bps", REAL, comment="taker fee less maker fee; null if the settings have no fees"),
    Column("is_one_tick", Flag, comment="whether the spread is one tick; null if candles do not show it"),
    Column("opened_at", UtcTimestamp, comment="the symbol's breaker is open since this slot; null while closed"),
    Column(
        "restarted_at",
        UtcTimestamp,
        comment="evidence counts from this slot, after a probe had filled; null for all of it",
    ),
    Column("pool_opened_at", UtcTimestamp, comment="the scope's breaker is open since this slot; null while closed"),
    Column("pool_restarted_at", UtcTimestamp, comment="the scope's evidence counts from this slot; null for all of it"),
    Column("stable_quality", Text, nullable=False, comment="good, ok, degraded or broken, as shown"),
    Column("candidate_quality", Text, nullable=False, comment="what the last runs measured instead"),
    Column(
        "candidate_count",
        COUNT,
        nullable=False,
        comment="how many runs in a row measured it; 0 if they agree with the stable quality",
    ),
    Column("outage_evidence", Text, comment="evidence of an outage of the symbol, as JSON; null before version 2"),
    Column("pool_outage_evidence", Text, comment="evidence of an outage of the scope, as JSON; null before version 2"),
    Column("relapse_count", COUNT, comment="how often in a row it opened again soon after closing; null: never"),
    Column("pool_relapse_count", COUNT, comment="the same of the scope's breaker; null: never"),
    Column("open_periods", Text, comment="when it was open in the last days, JSON list of two times; null: never"),
    Column("pool_open_periods", Text, comment="the same of the scope's breaker; null: never"),
    Column("cost_evidence", Text, comment="what orders of the symbol cost, as JSON; null unless measured decides"),
    Column("pool_cost_evidence", Text, comment="what orders of the scope cost, as JSON; null unless measured decides"),
    Column("cost_route", Text, comment="the way that cost less when this was last clear; null: not known"),
    one_of("stable_quality", "good", "ok", "degraded", "broken"),
    one_of("candidate_quality", "good", "ok", "degraded", "broken"),
    one_of("cost_route", "maker", "taker"),
    finite("fee_gap_bps"),
    comment="What breaker or measured rested on, and its state after the run, live or in the shadow.",
    sqlite_strict=True,
)

policy_saving = Table(
    "policy_saving",
    metadata,
    Column("run_id", COUNT, ForeignKey("policy_run.run_id"), primary_key=True, comment="the run"),
    Column("symbol", Text, primary_key=True, comment="the market; empty for all markets of the scope"),
    Column(
        "comparison",
        Text,
        primary_key=True,
        comment="which way against which: maker_against_taker, policy_against_taker or policy_against_maker",
    ),
    Column("scope", Text, nullable=False, comment="the run's scope"),
    Column("slot", UtcTimestamp, nullable=False, comment="the run's slot"),
    Column("since", UtcTimestamp, nullable=False, comment="the orders are those from then on until the slot"),
    Column("order_count", COUNT, nullable=False, comment="orders of which chance decided the way"),
    Column("maker_count", COUNT, nullable=False, comment="of these, sent as maker"),
    Column("taker_count", COUNT, nullable=False, comment="of these, sent straight to taker"),
    Column("saving_bps", REAL, nullable=False, comment="what the first way saved in bps an order; below 0: it cost"),
    Column("sent_margin_bps", REAL, comment="± of the orders sent, at every look; null: too few orders of a way"),
    Column("sent_single_look_margin_bps", REAL, comment="± of the orders sent, valid for one look only"),
    Column("any_margin_bps", REAL, comment="± of any future order, at every look; null: too few orders of a way"),
    Column("any_single_look_margin_bps", REAL, comment="± of any future order, valid for one look only"),
    Column("money_order_count", COUNT, nullable=False, comment="of the orders, those with a notional"),
    Column("saving_money", REAL, comment="what these saved together, in the currency of their notional"),
    Column("margin_money", REAL, comment="± of that sum, at every look"),
    Column("single_look_margin_money", REAL, comment="± of that sum, valid for one look only"),
    Column("any_margin_money", REAL, comment="± of what one future order saves in money, at every look"),
    Column("any_single_look_margin_money", REAL, comment="± of the same, valid for one look only"),
    Column("mean_notional", REAL, comment="mean notional of these orders, which a future order has on average"),
    one_of("comparison", "maker_against_taker", "policy_against_taker", "policy_against_maker"),
    *map(
        finite,
        (
            "saving_bps sent_margin_bps sent_single_look_margin_bps any_margin_bps any_single_look_margin_bps "
            "saving_money margin_money single_look_margin_money any_margin_money any_single_look_margin_money "
            "mean_notional"
        ).split(),
    ),
    Index(None, "scope", "symbol", "comparison", "slot"),
    comment="What orders saved of which chance decided the way; a figure that is not new is not stored again.",
    sqlite_strict=True,
)
