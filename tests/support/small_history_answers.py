"""What every question of docs/sql.md answers about the small history, worked out by hand.

By the question's name: the parameters of an asking, and the rows. Times are text in the form that SQLite keeps.
"""

from datetime import UTC, datetime

import pytest

Rows = list[tuple[object, ...]]
BITCOIN = {"scope": "default", "symbol": "BTCUSDT"}
DEGRADED = "the maker-first router is degraded: try maker first, but wait a quarter of the time"
GOOD = "the maker-first router is good: try maker first and wait the full time"
PARAMETERS = (
    '{{"broken_fallback_ratio":{},"broken_slip_q50_bps":20.0,"degraded_fallback_ratio":0.6,'
    '"degraded_slip_q50_bps":8.0,"good_fallback_ratio":0.4,"good_maker_fill_ratio":0.7,"good_slip_q50_bps":4.0,'
    '"max_bar_age_seconds":null}}'
)
MAY = True
MAY_NOT = False
COST_BY_POLICY: Rows = [
    ("broken", MAY_NOT, False, 1, 12.0),
    ("degraded", MAY_NOT, True, 1, 3.0),
    ("degraded", MAY, False, 2, 5.0),  # 4 at the very beginning of the policy, and 6
    ("good", MAY_NOT, True, 2, 5.5),  # 2 and 9
    ("good", MAY, False, 3, 0.75),  # 1, 0.5 at the very end of the override, and one that was not filled
    ("no policy", None, False, 2, 4.0),  # 7 before the first run, and 1 of a symbol that never had one
]


def _age_minutes(slot: datetime) -> object:
    return pytest.approx(
        (datetime.now(UTC) - slot).total_seconds() / 60, abs=90
    )  # the tests may run long after this was read


def _latest_ages() -> Rows:
    four = datetime(2025, 3, 4, 4, tzinfo=UTC)
    slot, early, late = "2025-03-04 04:00:00", "2025-03-04 04:00:02", "2025-03-04 04:10:00"
    return [
        ("default", "BTCUSDT", slot, early, _age_minutes(four)),
        ("default", "DOGEUSDT", slot, early, _age_minutes(four)),
        ("default", "ETHUSDT", slot, early, _age_minutes(four)),
        ("paper", "BTCUSDT", slot, late, _age_minutes(four)),
    ]


ANSWERS: dict[str, list[tuple[dict[str, str], Rows]]] = {
    "what-was-in-force-for-a-symbol-at-a-time": [
        ({**BITCOIN, "at": "2025-03-03 21:59:59"}, []),
        (
            {**BITCOIN, "at": "2025-03-04 00:30:00"},
            [
                (
                    MAY_NOT,
                    "prefer_taker",
                    "degraded",
                    "normal",
                    "2025-03-04 00:20:00",
                    "2025-03-04 01:00:00",
                    "schedule",
                    "ann",
                    f"{DEGRADED} (fallback 0.92 >= 0.6); volatility is normal",
                )
            ],
        ),
        (
            {**BITCOIN, "at": "2025-03-04 04:00:00"},
            [
                (
                    MAY,
                    "prefer_maker",
                    "good",
                    "normal",
                    "2025-03-04 04:00:00",
                    None,
                    "schedule",
                    None,
                    f"{GOOD} (maker fills 0.8 >= 0.7, fallback 0.2 <= 0.4, median slippage 0.5 bps <= 4); "
                    "volatility is normal",
                )
            ],
        ),
    ],
    "how-often-did-each-symbol-change": [
        (
            {},
            [
                ("default", "ETHUSDT", 4, 2, "2025-03-04 04:00:00"),
                ("default", "BTCUSDT", 2, 0, "2025-03-04 01:00:00"),
                ("default", "DOGEUSDT", 1, 1, "2025-03-04 00:00:00"),
            ],
        )
    ],
    "how-long-was-each-symbol-in-each-quality": [
        (
            {},
            [
                ("default", "BTCUSDT", "good", 4.0),
                ("default", "BTCUSDT", "degraded", 2.0),
                ("default", "DOGEUSDT", "broken", 4.0),
                ("default", "DOGEUSDT", "ok", 2.0),
                ("default", "ETHUSDT", "good", 3.5),  # and half an hour until the override
                ("default", "ETHUSDT", "degraded", 3.0),
            ],
        )
    ],
    "which-slots-are-missing-and-why": [
        (
            {},
            [
                ("default", "2025-03-04 02:00:00", "missed", 0, None),
                ("default", "2025-03-04 03:00:00", "failed", 2, "the log is locked"),
            ],
        )
    ],
    "what-was-in-force-before-during-and-after-each-override": [
        (
            {},
            [
                (
                    *(101, "default", "BTCUSDT", "ann", "venue maintenance"),
                    *("2025-03-04 00:20:00", "2025-03-04 01:30:00"),
                    *(MAY, "prefer_taker", MAY_NOT, "prefer_taker", MAY, "prefer_maker"),
                ),
                (
                    *(102, "default", "ETHUSDT", "ann", "fee change"),
                    *("2025-03-04 04:30:00", "2999-01-01 00:00:00"),
                    *(MAY, "prefer_maker", MAY_NOT, "prefer_taker", None, None),
                ),
            ],
        )
    ],
    "what-did-my-orders-cost-under-each-policy": [({"scope": "default"}, COST_BY_POLICY)],
    "what-did-many-orders-cost-under-each-policy": [({"scope": "default"}, COST_BY_POLICY)],
    "which-input-was-rejected-by-reason-and-day": [
        (
            {},
            [
                ("default", "2025-03-03", "candles", "bad_row", 2, 1, "BTCUSDT.csv:3"),
                ("default", "2025-03-03", "orders", "zero_fill", 4, 2, "log.jsonl:7"),
                ("default", "2025-03-04", "orders", "zero_fill", 6, 2, "log.jsonl:7"),
                ("paper", "2025-03-04", "orders", "zero_fill", 1, 1, "log.jsonl:7"),
            ],
        )
    ],
    "how-old-is-the-latest-policy-of-each-symbol": [({}, _latest_ages())],
    "which-symbols-are-taker-only-now-and-since-when": [
        (
            {},
            [
                ("default", "DOGEUSDT", "2025-03-04 00:00:00", "broken", "normal", None),
                ("default", "ETHUSDT", "2025-03-04 04:30:00", "good", "normal", "ann"),
            ],
        )
    ],
    "which-changes-were-caused-by-panic": [
        ({}, [("default", "ETHUSDT", 4, 4, 2), ("default", "BTCUSDT", 2, 0, 0), ("default", "DOGEUSDT", 1, 0, 0)])
    ],
    "how-long-do-runs-take-and-how-late-are-they": [
        (
            {},
            [
                ("default", "2025-03-03", 2, 3.0, 4.0, 5.0),  # (2 + 4) / 2, (3 + 5) / 2
                ("default", "2025-03-04", 3, 2.7, 23.3, 64.0),  # (3 + 4 + 1) / 3, (4 + 64 + 2) / 3
            ],
        )
    ],
    "how-much-evidence-did-the-decisions-rest-on": [
        ({}, [("none", 1, 0, 1, 0, 0), ("5 to 19", 5, 0, 2, 0, 3), ("20 or more", 10, 7, 0, 3, 0)])
    ],
    "which-rules-decided-and-when": [
        (
            {},
            [
                ("default", "seed", 1, "2025-03-03 22:00:00", "2025-03-03 23:00:00", 2, PARAMETERS.format(0.9)),
                ("default", "seed", 1, "2025-03-04 00:00:00", "2025-03-04 04:00:00", 3, PARAMETERS.format(0.95)),
                ("paper", "seed", 1, "2025-03-04 04:00:00", "2025-03-04 04:00:00", 1, PARAMETERS.format(0.9)),
            ],
        )
    ],
    "which-overrides-are-in-force": [
        (
            {},
            [
                (
                    *("default", "ETHUSDT", MAY_NOT, "prefer_taker", MAY, "prefer_maker"),
                    *("ann", "fee change", "2999-01-01 00:00:00"),
                )
            ],
        )
    ],
    "how-does-a-symbol-s-fallback-ratio-move-from-day-to-day": [
        (BITCOIN, [("2025-03-03", 2, 0.4, 0.1, 0.7, 40), ("2025-03-04", 3, 0.473, 0.2, 0.92, 40)]),
        ({"scope": "paper", "symbol": "BTCUSDT"}, [("2025-03-04", 0, None, None, None, 0)]),
    ],
    "on-which-grounds-do-the-latest-policies-rest": [
        (
            {},
            [
                ("default", "regime_normal", 3),
                ("default", "fallback_ratio_good", 2),
                ("default", "maker_fill_ratio_good", 2),
                ("default", "slip_q50_good", 2),
                ("default", "broken_disables_maker", 1),
                ("default", "fallback_ratio_broken", 1),
                ("paper", "fallback_ratio_missing", 1),
                ("paper", "maker_fill_ratio_missing", 1),
                ("paper", "maker_fill_ratio_not_good", 1),
                ("paper", "regime_normal", 1),
            ],
        )
    ],
    "where-would-a-shadow-have-decided-otherwise": [
        (
            {},
            [
                ("default", "seed", "breaker1", "DOGEUSDT", 3, 3, 3),  # maker first although the seed says broken
                ("default", "seed", "breaker1", "BTCUSDT", 3, 2, 2),  # open at 00:00 and 01:00
                ("default", "seed", "breaker1", "ETHUSDT", 3, 1, 1),  # the seed's panic at 01:00
            ],
        )
    ],
    "when-did-a-symbol-s-breaker-open-and-close": [
        (
            {},
            [
                ("default", "breaker1", "BTCUSDT", "2025-03-04 00:00:00", "opened", 6, 40, 2, 0, 0, 0),
                ("default", "breaker1", "BTCUSDT", "2025-03-04 04:00:00", "closed", 0, 40, 2, 0, 1, 1),
            ],
        )
    ],
    "which-breakers-were-open-at-a-time-and-since-when": [
        (
            {"scope": "default", "at": "2025-03-04 03:30:00"},
            [("breaker1", False, "BTCUSDT", "2025-03-04 00:00:00", None, 6, 0, 0)],
        ),
        ({"scope": "default", "at": "2025-03-04 04:00:00"}, []),
        ({"scope": "paper", "at": "2025-03-04 04:00:00"}, []),
    ],
}
