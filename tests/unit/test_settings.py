"""The settings: what is read, what is refused, and that no password is told."""

import glob
from datetime import timedelta
from pathlib import Path

import pytest

from console.errors import SettingsError
from console.settings.duration import parse_duration
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import fees_of, plan_of
from jobs.plan import EngineKind, Fees, OrdersKind
from jobs.slots import Slots
from policy.experiment.experiment import Experiment

LEAST = """
[store]
url = "sqlite:///router_policy.db"
[orders]
kind = "order-log"
path = "logs/execution/order_metrics*.jsonl"
[candles]
path = "candles/*.parquet"
interval = "15m"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "router-policy.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_least_that_works_has_these_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path, LEAST))

    assert settings.schedule.cron == "*/15 * * * *"
    assert (settings.rules.name, settings.scope, settings.symbols, settings.engine.kind) == (
        "seed",
        "default",
        [],
        "duckdb",
    )


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(written(tmp_path, LEAST))

    assert settings.orders.path == str(tmp_path / "logs/execution/order_metrics*.jsonl")
    assert settings.candles is not None
    assert settings.candles.path == str(tmp_path / "candles/*.parquet")
    assert settings.store.url == f"sqlite:///{tmp_path / 'router_policy.db'}"


@pytest.mark.parametrize("folder", ["bot[1]", "what?", "a*b", "größe 日"])
def test_the_folder_of_the_file_is_no_part_of_a_pattern(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder / "logs/execution").mkdir(parents=True)
    log = tmp_path / folder / "logs/execution/order_metrics.jsonl"
    log.touch()

    settings = load(written(tmp_path / folder, LEAST))

    assert glob.glob(settings.orders.path or "") == [str(log)]  # noqa: PTH207  # the pattern as the library reads it


def test_a_byte_order_mark_before_the_settings_is_skipped(tmp_path: Path) -> None:
    assert load(written(tmp_path, "\ufeff" + LEAST)) == load(written(tmp_path, LEAST))


def test_the_default_store_is_beside_the_file_too(tmp_path: Path) -> None:
    settings = load(written(tmp_path, '[orders]\npath = "log.jsonl"'))

    assert settings.store.url == f"sqlite:///{tmp_path / 'router_policy.db'}"


def test_absolute_paths_and_other_databases_stay_as_they_are(tmp_path: Path) -> None:
    text = '[store]\nurl = "postgresql+psycopg://me@db/policy"\n[orders]\npath = "/var/log/bot/*.jsonl"'

    settings = load(written(tmp_path, text))

    assert settings.store.url == "postgresql+psycopg://me@db/policy"
    assert settings.orders.path == "/var/log/bot/*.jsonl"


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_POLICY_STORE__URL", "postgresql+psycopg://me@db/policy")
    monkeypatch.setenv("ROUTER_POLICY_SCOPE", "paper")

    settings = load(written(tmp_path, LEAST))

    assert (settings.store.url, settings.scope) == ("postgresql+psycopg://me@db/policy", "paper")


def test_paths_of_the_environment_are_relative_to_the_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_POLICY_ORDERS__PATH", "other/*.jsonl")
    monkeypatch.setenv("ROUTER_POLICY_STORE__URL", "sqlite:///other.db")
    monkeypatch.setenv("ROUTER_POLICY_WEB__BACKTEST", "costs.json")

    settings = load(written(tmp_path, LEAST))

    assert settings.orders.path == str(tmp_path / "other/*.jsonl")
    assert settings.store.url == f"sqlite:///{tmp_path / 'other.db'}"
    assert settings.web.backtest == str(tmp_path / "costs.json")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("OPEN_REJECT_STREAK", "1", 1),
        ("PRIOR_MISSES", "0", 0.0),
        ("OPEN_PROBABILITY", "0.01", 0.01),
        ("LOW_VARIANCE", "true", True),
    ],
)
def test_a_parameter_in_the_environment_is_of_its_own_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.setenv("ROUTER_POLICY_RULES__NAME", "breaker1")
    monkeypatch.setenv(f"ROUTER_POLICY_RULES__BREAKER1__{name}", text)

    plan = plan_of(load(written(tmp_path, LEAST)))

    parameter = getattr(plan.rule_set.parameters, name.lower())
    assert (type(parameter), parameter) == (type(value), value)


def test_a_flag_of_the_file_stays_a_flag(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="parameter min_attempts must be a finite number, was True"):
        load(written(tmp_path, LEAST + "[rules.breaker]\nmin_attempts = true"))


def test_fees_of_one_symbol_in_the_environment_are_refused_with_what_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTER_POLICY_FEES__SYMBOLS__GOODUSDT__MAKER_BPS", "1")

    with pytest.raises(SettingsError, match=r"GOODUSDT__MAKER_BPS .* as JSON: ROUTER_POLICY_FEES__SYMBOLS='\{"):
        load(written(tmp_path, LEAST + "[fees]\nmaker_bps = 2\ntaker_bps = 5"))


def test_fees_of_symbols_in_the_environment_are_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_POLICY_FEES__SYMBOLS", '{"GOODUSDT": {"maker_bps": 1, "taker_bps": 4}}')

    fees = fees_of(load(written(tmp_path, LEAST + "[fees]\nmaker_bps = 2\ntaker_bps = 5")))

    assert fees == {"": Fees(maker_bps=2, taker_bps=5), "GOODUSDT": Fees(maker_bps=1, taker_bps=4)}


def test_durations_and_slots_of_the_settings_are_parsed(tmp_path: Path) -> None:
    text = '[schedule]\ncron = "0 * * * *"\ntick = "2s"\ndeadline = "10m"\nretry_after = "30s"'

    settings = load(written(tmp_path, LEAST + text))

    assert (settings.schedule.tick, settings.schedule.deadline) == (timedelta(seconds=2), timedelta(minutes=10))
    assert settings.schedule.retry_after == timedelta(seconds=30)
    assert settings.schedule.slots == Slots("0 * * * *")
    assert settings.candles is not None
    assert settings.candles.interval == timedelta(minutes=15)


@pytest.mark.parametrize(("own", "style"), [("", "compact"), ("[candles.symbols]\nstyle = 'as-is'\n", "as-is")])
def test_candles_are_spelt_as_the_orders_unless_they_say_otherwise(tmp_path: Path, own: str, style: str) -> None:
    plan = plan_of(load(written(tmp_path, f"{LEAST}\n{own}[orders.symbols]\nstyle = 'compact'")))

    assert plan.candles is not None
    assert (plan.orders.symbols.style, plan.candles.symbols.style) == ("compact", style)


def test_a_duration_in_the_environment_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_POLICY_SCHEDULE__DEADLINE", "7m")

    assert load(written(tmp_path, LEAST)).schedule.deadline == timedelta(minutes=7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[orders]\nkind = 'freqtrade'\npath = 'x'",
            'orders: kind = "freqtrade" reads the bot\'s database: give its url',
        ),
        (
            "[orders]\nkind = 'nautilus'\nurl = 'sqlite:///x.db'",
            'orders: kind = "nautilus" reads files: give their path',
        ),
        (
            "[orders]\nkind = 'ccxt'\npath = 'x'\nentries = 'known'",
            "entries is a setting of kind = 'freqtrade'; remove it",
        ),
        ("[orders]\nkind = 'ccxt'\npath = 'x'\nzone = 'UTC'", "zone is a setting of kind = 'binance'; remove it"),
        ("[orders]\nkind = 'binance'\npath = 'x'\nzone = 'Mars'", "orders.zone: 'Mars' is not a valid time zone"),
        (
            "[orders]\npath = 'x'\nsymbols = {style = 'small'}",
            "orders.symbols.style: Input should be 'as-is' or 'compact'",
        ),
        ("[orders]\npath = 'x'\nsymbols = {names = {A = ''}}", "orders.symbols.names.A: '' is not a valid symbol"),
        (
            "[orders]\npath = 'x'\n[candles]\nkind = 'freqtrade'\nurl = 'x'\ninterval = '1m'",
            'candles: kind = "freqtrade" reads the bot\'s files: give their path, and nothing else',
        ),
        (LEAST + "[stroe]\nurl = 'x'", "stroe is not a setting; is it store?"),
        (LEAST + "[fee]\nmaker_bps = 2", "fee is not a setting; is it fees?"),
        (LEAST + "[weather]\nwind = 2", "weather is not a setting; is it misspelt?"),
        (LEAST.replace("interval", "intervall"), "candles.intervall is not a setting; is it candles.interval?"),
        (LEAST.replace('"15m"', '"quarter"'), "candles.interval: invalid duration 'quarter'"),
        (LEAST.replace('"15m"', "15"), "candles.interval: write a duration as text"),
        (LEAST + "[schedule]\ntick = '0s'", "schedule.tick: '0s' must be more than 0"),
        (LEAST + "[web]\nevaluation = 'costs.json'", "web.evaluation is now web.backtest"),
        (
            LEAST.replace('"order-log"', '"orderlog"'),
            "orders.kind: Input should be 'order-log', 'canonical', 'freqtrade'",
        ),
        ("[store]\nurl = 'sqlite:///x.db'", "orders is missing"),
        (
            "[orders]\nkind = 'canonical'\nurl = 'sqlite:///x.db'",
            "give either path, or query for files, or url and query",
        ),
        ("[orders]\nurl = 'sqlite:///x.db'\nquery = 'select 1'", "an order-log is read from files"),
        (LEAST + "[rules]\nname = 'sneed'", "there is no rule set 'sneed'; choose one of: seed, breaker"),
        (LEAST + "[engine]\nkind = 'spark'", "needs remote"),
        (LEAST + "[engine]\nremote = 'sc://x'", "only spark has a remote"),
        ("scope = ''\n" + LEAST, "scope: String should have at least 1 character"),
        ("[orders\n", "is not a valid TOML file"),
        ("[store]\nurl = sqlite:///x.db", '; text needs quotes, as in path = "logs/*.jsonl"'),
        (LEAST.replace('"15m"', '"1000d"'), "candles.interval: '1000d' is longer than a bar lasts; 31d is the most"),
        (LEAST.replace('"15m"', '"745h"'), "candles.interval: '745h' is longer than a bar lasts; 31d is the most"),
        (
            "[orders]\npath = 'x.csv'\nquery = 'select 1'",
            "orders: an order-log is read from files: give path, or kind",
        ),
        (
            "[orders]\npath = 'x.csv'\nurl = 'sqlite:///x.db'",
            "orders: an order-log is read from files: give path, or kind",
        ),
        ("symbols = ['']\n" + LEAST, "symbols.0: '' is not a valid symbol; use 1 to 64 characters"),
        ("symbols = ['BTCUSDT', ' X']\n" + LEAST, "symbols.1: ' X' is not a valid symbol"),
        ('symbols = ["A\\tB"]\n' + LEAST, "symbols.0: 'A\\tB' is not a valid symbol"),
        (f"symbols = ['{'X' * 65}']\n" + LEAST, "is not a valid symbol"),
        (LEAST + "[rules.breaker1]\nprior_starts = 0", "parameter prior_starts must be more than 0, was 0"),
        (LEAST + "[rules.breaker1]\nprior_starts = -6.0", "parameter prior_starts must be more than 0, was -6.0"),
    ],
)
def test_what_is_wrong_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(written(tmp_path, text))

    assert message in str(refused.value)
    assert "router-policy.toml" in str(refused.value)


def test_a_misspelt_variable_in_the_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_POLICY_STROE__URL", "sqlite:///x.db")

    with pytest.raises(SettingsError, match="ROUTER_POLICY_STROE__URL in the environment is not a setting"):
        load(written(tmp_path, LEAST))


@pytest.mark.parametrize("name", ["ROUTER_POLICY_SYMBOLS", "ROUTER_POLICY_RULES__SHADOW", "router_policy_web__hosts"])
def test_a_list_in_the_environment_that_is_no_json_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ROUTER_POLICY_SCOPE", "paper")
    monkeypatch.setenv(name, "hunter2")

    with pytest.raises(
        SettingsError, match=rf'^{name} in the environment .* list as JSON, as in \["BTCUSDT"\]'
    ) as refused:
        load(written(tmp_path, LEAST))

    assert "hunter2" not in str(refused.value)


def test_a_list_in_the_environment_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_POLICY_SYMBOLS", '["BTCUSDT", "ETHUSDT"]')

    assert load(written(tmp_path, LEAST)).symbols == ["BTCUSDT", "ETHUSDT"]


def test_a_file_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml cannot be read .*router-policy init"):
        load(tmp_path / "nowhere.toml")


def test_no_message_repeats_a_password(tmp_path: Path) -> None:
    text = '[store]\nurl = ["postgresql://me:hunter2@db/policy"]\n[orders]\npath = 5\nsecret = "hunter2"'

    with pytest.raises(SettingsError) as refused:
        load(written(tmp_path, text))

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("15m", 900), ("4h", 14400), ("400d", 34560000)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "-1m", "1.5h", "15 m", "1w", "15m\n"])
def test_other_text_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0m", "0s", "000d"])
def test_a_duration_is_more_than_0(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' must be more than 0"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36501d", "876001h", "3153600001s", "999999d", "9" * 5000 + "s"])
def test_a_duration_is_100_years_at_most(text: str) -> None:
    with pytest.raises(ValueError, match=r"is too long; 36500d is the most"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36500d", "876000h", "3153600000s"])
def test_a_duration_of_100_years_is_read_in_each_unit(text: str) -> None:
    assert parse_duration(text) == timedelta(days=36500)


def test_a_symbol_of_64_characters_with_a_blank_within_is_one(tmp_path: Path) -> None:
    name = "BTC " + "X" * 60

    assert load(written(tmp_path, f"symbols = ['{name}']\n" + LEAST)).symbols == [name]


def test_the_longest_bar_is_a_month(tmp_path: Path) -> None:
    candles = plan_of(load(written(tmp_path, LEAST.replace('"15m"', '"31d"')))).candles

    assert candles is not None
    assert candles.interval == timedelta(days=31)


def test_settings_become_the_plan_of_a_run(tmp_path: Path) -> None:
    plan = plan_of(load(written(tmp_path, "symbols = ['BTCUSDT']\n" + LEAST)))

    assert (plan.scope, plan.symbols, plan.engine.kind) == ("default", ("BTCUSDT",), EngineKind.DUCKDB)
    assert plan.orders.kind is OrdersKind.ORDER_LOG
    assert plan.candles is not None
    assert plan.candles.interval == timedelta(minutes=15)
    assert plan.rule_set.parameters.max_bar_age_seconds == 3600.0


def test_without_candles_there_is_no_limit_on_their_age(tmp_path: Path) -> None:
    plan = plan_of(load(written(tmp_path, '[orders]\npath = "log.jsonl"')))

    assert plan.candles is None
    assert plan.rule_set.parameters.max_bar_age_seconds is None


def test_settings_cannot_be_changed_once_loaded(tmp_path: Path) -> None:
    settings: Settings = load(written(tmp_path, LEAST))

    with pytest.raises(ValueError, match="frozen"):
        settings.scope = "other"


def test_without_a_section_of_it_no_order_is_held_out(tmp_path: Path) -> None:
    plan = plan_of(load(written(tmp_path, LEAST)))

    assert plan.experiment == Experiment(share=0.0, salt="default", until_bps=0.5, then=0.005)


def test_the_experiment_is_read_and_its_salt_is_the_scope_unless_it_has_one(tmp_path: Path) -> None:
    text = f'scope = "paper"\n{LEAST}[experiment]\nshare = 0.02\nuntil_bps = 0.25\nthen = 0.01\n'

    by_scope = plan_of(load(written(tmp_path, text))).experiment
    by_salt = plan_of(load(written(tmp_path, f'{text}salt = "spring"\n'))).experiment

    assert by_scope == Experiment(share=0.02, salt="paper", until_bps=0.25, then=0.01)
    assert by_salt == Experiment(share=0.02, salt="spring", until_bps=0.25, then=0.01)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("share = 0.51", "share"),
        ("share = -0.01", "share"),
        ("share = nan", "share"),
        ('salt = ""', "salt"),
        ("until_bps = 0", "until_bps"),
        ("then = 1", "then"),
        ("part = 0.02", "part"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_by_name(tmp_path: Path, line: str, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"experiment\.{name}"):
        load(written(tmp_path, f"{LEAST}[experiment]\n{line}\n"))
