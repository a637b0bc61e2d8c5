"""The API over the small history: every answer below can be read off the table at its head."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from starlette.testclient import TestClient

from policy import TakerBias
from storage.store import Store
from storage.write import overrides
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.support.store_calls import write
from tests.web.conftest import Visit


def symbols(answer: Any) -> list[str]:
    return [item["symbol"] for item in answer["items"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", ["BTCUSDT", "DOGEUSDT", "ETHUSDT"]),
        ("?quality=good", ["BTCUSDT", "ETHUSDT"]),
        ("?quality=ok&quality=broken", ["DOGEUSDT"]),
        ("?maker_first=true", ["BTCUSDT"]),
        ("?maker_first=false", ["DOGEUSDT", "ETHUSDT"]),
        ("?changed_since=2025-03-04T04:00:00Z", ["ETHUSDT"]),
        ("?changed_since=2025-03-04T00:00:00Z", ["BTCUSDT", "DOGEUSDT", "ETHUSDT"]),
        ("?changed_since=2025-03-04T05:00:00%2B01:00", ["ETHUSDT"]),
        ("?changed_since=2025-03-04T05:00:00+01:00", ["ETHUSDT"]),
        ("?at=2025-03-03T22:30:00Z&quality=ok", ["DOGEUSDT"]),
        ("?at=2025-03-03T21:59:59Z", []),
        ("?at=2025-03-04T00:30:00Z&maker_first=false", ["BTCUSDT", "DOGEUSDT"]),
        ("?at=0001-01-01T00:00:00%2B14:00", []),
        ("?at=9999-12-31T23:59:59-12:00&quality=broken", ["DOGEUSDT"]),
    ],
)
def test_the_latest_policies_can_be_filtered_and_asked_for_as_of_a_time(
    small_console: TestClient, asked: str, expected: list[str]
) -> None:
    answer = small_console.get(f"/v1/policies{asked}")

    assert answer.status_code == 200
    assert symbols(answer.json()) == expected


def test_a_policy_has_the_columns_of_the_store_and_the_override_in_force(small_console: TestClient) -> None:
    policy = small_console.get("/v1/policies/ETHUSDT").json()

    assert policy["slot"] == "2025-03-04T04:00:00Z"
    assert (policy["maker_first"], policy["taker_bias"]) == (False, "prefer_taker")
    assert (policy["computed_maker_first"], policy["computed_taker_bias"]) == (True, "prefer_maker")
    assert policy["override"]["author"] == "ann"
    assert policy["override"]["reason"] == "fee change"
    assert policy["override"]["until_at"] == "2999-01-01T00:00:00Z"
    assert (policy["quality"], policy["fallback_ratio"], policy["maker_started_count"]) == ("good", 0.2, 120)
    assert policy["stale_at"] == "2025-03-04T06:00:00Z"
    assert policy["expired_at"] == "2025-03-04T12:00:00Z"
    assert {code["code"] for code in policy["codes"]} >= {"fallback_ratio_good"}


def test_a_policy_as_of_a_time_is_the_one_that_was_in_force_then(small_console: TestClient) -> None:
    before = small_console.get("/v1/policies/BTCUSDT?at=2025-03-04T00:10:00Z").json()
    overridden = small_console.get("/v1/policies/BTCUSDT?at=2025-03-04T00:20:00Z").json()

    assert (before["quality"], before["maker_first"], before["override"]) == ("degraded", True, None)
    assert (overridden["maker_first"], overridden["override"]["reason"]) == (False, "venue maintenance")


def test_pages_follow_each_other_without_a_gap_or_a_repetition(small_console: TestClient) -> None:
    for first in ("/v1/policies?limit=1", "/v1/health?limit=2", "/v1/changes?limit=1", "/v1/runs?limit=2"):
        whole = small_console.get(first.partition("?")[0]).json()["items"]
        seen, address = [], first
        while address:
            answer = small_console.get(address)
            page = answer.json()
            assert answer.headers.get("link") == (f'<{page["next"]}>; rel="next"' if page["next"] else None)
            seen += page["items"]
            address = page["next"]
        assert seen == whole
        assert len(whole) > 2


def test_history_is_paged_by_time_and_reaches_from_since_up_to_until(small_console: TestClient) -> None:
    address = "/v1/policies/BTCUSDT/history?since=2025-03-03T23:00:00Z&until=2025-03-04T04:00:00Z&limit=2"
    spans = []
    while address:
        page = small_console.get(address).json()
        spans += [
            (period["valid_from"][11:16], period["valid_to"][11:16], period["maker_first"]) for period in page["items"]
        ]
        address = page["next"]

    assert spans == [
        ("23:00", "00:00", True),
        ("00:00", "00:20", True),
        ("00:20", "01:00", False),
        ("01:00", "01:30", False),
        ("01:30", "04:00", True),
    ]


def test_history_as_csv_has_the_same_rows(small_console: TestClient) -> None:
    answer = small_console.get("/v1/policies/BTCUSDT/history?format=csv")
    rows = list(csv.DictReader(StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert [row["valid_from"][11:16] for row in rows] == ["22:00", "23:00", "00:00", "00:20", "01:00", "01:30", "04:00"]
    assert [row["override_author"] for row in rows] == ["", "", "", "ann", "ann", "", ""]
    assert rows[1]["fallback_ratio"] == "0.7"
    assert rows[1]["slip_q25"] == "-1.25"


def test_a_csv_cell_never_is_a_formula(visit: Visit, sqlite_store: Store) -> None:
    name = '=HYPERLINK("http://example.com";"click")'
    publish(sqlite_store, SLOT, evidence(name))

    rows = list(csv.DictReader(StringIO(visit(sqlite_store).get(f"/v1/policies/{name}/history?format=csv").text)))

    assert [row["symbol"] for row in rows] == [f"'{name}"]


def test_changes_say_what_was_before(small_console: TestClient) -> None:
    changes = small_console.get("/v1/changes?symbol=BTCUSDT").json()["items"]

    assert [(change["slot"][11:16], change["previous_quality"], change["quality"]) for change in changes] == [
        ("01:00", "degraded", "good"),
        ("23:00", "good", "degraded"),
    ]
    assert small_console.get("/v1/changes?since=2025-03-04T04:00:00Z").json()["items"][0]["symbol"] == "ETHUSDT"


def test_health_is_the_record_of_the_command_line_with_the_worst_first(visit: Visit, small_store: Store) -> None:
    client = visit(small_store, symbols=["NEWUSDT"])

    healths = client.get("/v1/health").json()["items"]

    assert [(health["symbol"], health["router"]["policy_quality"]) for health in healths] == [
        ("DOGEUSDT", "broken"),
        ("BTCUSDT", "good"),
        ("ETHUSDT", "good"),
        ("NEWUSDT", None),
    ]
    assert healths[0] == client.get("/v1/health/DOGEUSDT").json()
    assert healths[0]["freshness"]["age_seconds"] == 1200
    assert healths[-1]["freshness"]["status"] == "missing"


def test_health_as_of_a_time_is_judged_by_the_age_that_it_had_then(small_console: TestClient) -> None:
    then = small_console.get("/v1/health/BTCUSDT?at=2025-03-04T03:30:00Z").json()

    assert (then["freshness"]["slot"], then["freshness"]["age_seconds"]) == ("2025-03-04T01:00:00Z", 9000)
    assert then["freshness"]["status"] == "stale"
    assert then in small_console.get("/v1/health?at=2025-03-04T03:30:00Z").json()["items"]


def test_an_explanation_has_each_rule_with_its_figure(small_console: TestClient) -> None:
    explanation = small_console.get("/v1/policies/DOGEUSDT/explain").json()

    assert {
        "rule": "broken",
        "figure": "fallback_ratio",
        "value": 0.97,
        "sign": ">=",
        "threshold": 0.95,
        "holds": True,
    } in (explanation["rules"])
    assert explanation["last_change"]["slot"] == "2025-03-04T00:00:00Z"


def test_an_explanation_has_what_the_breaker_in_the_shadow_remembers(visit: Visit, shadowed_store: Store) -> None:
    explanation = visit(shadowed_store).get("/v1/policies/BTCUSDT/explain?at=2026-04-26T02:30:00Z").json()

    (shadow,) = explanation["shadows"]
    assert (shadow["rule_set"], shadow["maker_first"]) == ("breaker1", False)
    assert shadow["breaker"]["after"]["own"]["opened_at"] == "2026-04-26T01:00:00Z"
    assert shadow["breaker"]["own"]["probe_count"] == 1


def test_runs_have_their_rejects_and_their_duration(small_console: TestClient) -> None:
    runs = small_console.get("/v1/runs").json()["items"]

    assert [(run["slot"][11:16], run["duration_seconds"], run["reject_count"]) for run in runs] == [
        ("04:00", 1.0, 0),
        ("01:00", 4.0, 6),
        ("00:00", 3.0, 4),
        ("23:00", 4.0, 6),
        ("22:00", 2.0, 3),
    ]
    assert [
        (reject["source"], reject["reason"], reject["reject_count"], reject["sample"]) for reject in runs[3]["rejects"]
    ] == [
        ("candles", "bad_row", 2, "BTCUSDT.csv:3"),
        ("orders", "zero_fill", 4, "log.jsonl:7"),
    ]
    assert small_console.get(f"/v1/runs/{runs[3]['run_id']}").json() == runs[3]


def test_gaps_are_the_slots_without_a_run(small_console: TestClient) -> None:
    gaps = small_console.get("/v1/gaps").json()["items"]

    assert [(gap["slot"][11:16], gap["state"], gap["last_error"]) for gap in gaps] == [
        ("03:00", "failed", "the log is locked"),
        ("02:00", "missed", None),
    ]


def test_a_series_for_a_picture_keeps_every_change_however_few_points_are_asked_for(visit: Visit, store: Store) -> None:
    for number in range(40):
        publish(store, SLOT + number * QUARTER, evidence("BTCUSDT", fallback=0.95 if number in (17, 18) else 0.1))

    whole = visit(store).get("/v1/policies/BTCUSDT/series").json()["points"]
    thinned = visit(store).get("/v1/policies/BTCUSDT/series?points=4").json()["points"]

    assert len(whole["slot"]) == 40
    assert [whole["slot"].index(slot) for slot in thinned["slot"]] == [0, 10, 17, 19, 20, 30, 39]
    assert thinned["quality"] == ["good", "good", "broken", "good", "good", "good", "good"]


def test_a_series_has_the_overrides_that_were_in_force_in_its_time(small_console: TestClient) -> None:
    def overrides(query: str) -> list[tuple[str, str, bool, str]]:
        record = small_console.get(f"/v1/policies/BTCUSDT/series?{query}").json()
        return [(one["from_at"], one["to_at"], one["maker_first"], one["taker_bias"]) for one in record["overrides"]]

    ended_early = ("2025-03-04T00:20:00Z", "2025-03-04T01:30:00Z", False, "prefer_taker")
    assert overrides("") == [ended_early]
    assert overrides("since=2025-03-04T01:29:59Z") == [ended_early]
    assert overrides("since=2025-03-04T01:30:00Z") == []
    assert overrides("until=2025-03-04T00:20:00Z") == []


def test_a_series_has_the_slots_without_a_run_from_its_first_point_on(small_console: TestClient) -> None:
    whole = small_console.get("/v1/policies/BTCUSDT/series").json()
    early = small_console.get("/v1/policies/BTCUSDT/series?until=2025-03-04T02:30:00Z").json()

    assert whole["gaps"] == ["2025-03-04T02:00:00Z", "2025-03-04T03:00:00Z"]
    assert early["gaps"] == ["2025-03-04T02:00:00Z"]


def test_a_series_has_the_thresholds_of_the_rules_that_decided(small_console: TestClient) -> None:
    series = small_console.get("/v1/policies/BTCUSDT/series").json()

    assert series["thresholds"]["broken_fallback_ratio"] == 0.95
    assert series["thresholds"]["hot_atr_ratio"] == 2.5
    assert series["points"]["fallback_ratio"] == [0.1, 0.7, 0.92, 0.3, 0.2]


def test_the_latest_policies_are_not_sent_again_while_nothing_changes(visit: Visit, store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"))
    client = visit(store, now=SLOT)
    first = client.get("/v1/policies")
    known = {"If-None-Match": f'"other", {first.headers["etag"]}'}

    again = client.get("/v1/policies", headers=known)
    publish(store, SLOT + QUARTER, evidence("BTCUSDT", fallback=0.95))
    after_a_run = client.get("/v1/policies", headers=known)

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert after_a_run.status_code == 200
    assert after_a_run.json()["items"][0]["quality"] == "broken"
    assert client.get("/v1/policies/BTCUSDT", headers={"If-None-Match": "*"}).status_code == 304


def test_an_override_changes_the_latest_policies_at_once(visit: Visit, store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"))
    client = visit(store, now=SLOT)
    first = client.get("/v1/policies/BTCUSDT")
    bias = TakerBias.PREFER_TAKER
    hour = timedelta(hours=1)

    write(
        store,
        overrides.make_override,
        "default",
        "BTCUSDT",
        maker_first=False,
        taker_bias=bias,
        lasting=hour,
        author="ann",
        reason="maintenance",
    )
    second = client.get("/v1/policies/BTCUSDT", headers={"If-None-Match": first.headers["etag"]})

    assert (first.json()["maker_first"], second.json()["maker_first"]) == (True, False)


def test_a_symbol_with_a_slash_has_a_policy_and_a_history(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT, evidence("BTC/USDT:USDT"))
    client = visit(sqlite_store)

    for name in ("BTC/USDT:USDT", "BTC%2FUSDT%3AUSDT"):
        assert client.get(f"/v1/policies/{name}").json()["symbol"] == "BTC/USDT:USDT"
        assert len(client.get(f"/v1/policies/{name}/history").json()["items"]) == 1
        assert client.get(f"/symbols/{name}").status_code == 200


def test_without_a_clock_of_its_own_the_console_goes_by_the_databases(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT, evidence("BTCUSDT"))

    age = visit(sqlite_store, now=None).get("/v1/health/BTCUSDT").json()["freshness"]["age_seconds"]

    assert abs(age - (datetime.now(UTC) - SLOT).total_seconds()) < 600
