"""The last-known-good file: read back as it was written, and never a reason to fail."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from router_policy_client import PolicyReader, Status
from router_policy_client.errors import UnreadableRowError
from router_policy_client.last_known import load, save
from tests.client.policies import SLOT, known, overridden

STORE = "sqlite:////data/policy.db"
SAVED_AT = SLOT + timedelta(minutes=1)


def test_what_was_kept_is_read_back(tmp_path: Path) -> None:
    kept = [known(probe_every=5), overridden(SLOT + timedelta(hours=1), symbol="ETHUSDT")]

    save(tmp_path / "kept.json", STORE, "default", SAVED_AT, kept)

    assert load(tmp_path / "kept.json", STORE, "default") == (kept, SAVED_AT)
    assert [file.name for file in tmp_path.iterdir()] == ["kept.json"]


def test_a_file_that_cannot_be_replaced_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "kept.json").mkdir()

    with pytest.raises(OSError, match="kept"):
        save(tmp_path / "kept.json", STORE, "default", SAVED_AT, [known()])

    assert [file.name for file in tmp_path.iterdir()] == ["kept.json"]


def without(content: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != name}


DAMAGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "empty": lambda _: "",
    "cut": lambda content: json.dumps(content)[:-20],
    "no object": lambda _: "[]",
    "nested too deep": lambda _: "[" * 100_000,
    "a later format": lambda content: json.dumps({**content, "format": 2}),
    "of another store": lambda content: json.dumps({**content, "store": "sqlite:////data/paper.db"}),
    "of another scope": lambda content: json.dumps({**content, "scope": "paper"}),
    "no policies": lambda content: json.dumps(without(content, "policies")),
    "a policy without slot": lambda content: json.dumps({**content, "policies": [{"symbol": "BTCUSDT"}]}),
    "policies that are numbers": lambda content: json.dumps({**content, "policies": [1]}),
    "saved at no time": lambda content: json.dumps({**content, "saved_at": "then"}),
    "saved before all time": lambda content: json.dumps({**content, "saved_at": "0001-01-01T00:00:00+14:00"}),
    "a slot after all time": lambda content: json.dumps(
        {**content, "policies": [{**content["policies"][0], "slot": "9999-12-31T23:59:59-14:00"}]}
    ),
    "an offset beyond all numbers": lambda content: json.dumps(
        {**content, "policies": [{**content["policies"][0], "maker_offset_bps": 10**400}]}
    ),
    "binary": lambda _: "\x00\x01",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_and_a_reader_goes_on_without_it(tmp_path: Path, damage: str) -> None:
    path, url = tmp_path / "kept.json", f"sqlite:///{tmp_path / 'policy.db'}"
    save(path, url, "default", SAVED_AT, [known()])
    assert load(path, url, "default")[0] == [known()]

    path.write_text(DAMAGES[damage](json.loads(path.read_text())))

    with pytest.raises(UnreadableRowError, match=r"kept\.json was not used"):
        load(path, url, "default")
    with PolicyReader(url, last_known_path=path, watch=False) as reader:
        assert reader.get("BTCUSDT").status is Status.MISSING
        assert "kept.json" in str(reader.status.last_error)
