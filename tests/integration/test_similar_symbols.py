"""A symbol without a policy is answered with the spelling of the same market that has one."""

import shutil
from pathlib import Path

import pytest

from console.not_found import did_you_mean, no_policy
from storage.store import Store
from tests.support.runs import SLOT, evidence, publish


@pytest.mark.parametrize("asked", ["BTCUSDT", "btc-usdt", "BTC/USDT", "BTCUSDT-PERP.BINANCE"])
def test_a_pair_of_a_perpetual_is_named_for_every_spelling(tmp_path: Path, sqlite_template: Path, asked: str) -> None:
    shutil.copy(sqlite_template, tmp_path / "policy.db")
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        publish(store, SLOT, evidence("BTC/USDT:USDT"), evidence("ETH/USDT:USDT"))

        assert did_you_mean(store, "default", asked) == "; is it BTC/USDT:USDT?"
        assert str(no_policy(store, "default", asked)).endswith("; is it BTC/USDT:USDT?")
        assert did_you_mean(store, "default", "BTCUSD") == "; router-policy latest lists all policies"
