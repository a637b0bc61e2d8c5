"""The console as a server: where it listens, whom it lets in, and how it ends."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from console.errors import SettingsError
from console.settings.file import load
from console.settings.model import Settings, StoreSettings, WebSettings
from console.settings.sources import OrdersSettings
from console.web.app import LOCAL_HOSTS
from console.web.server import Address, AddressError, Console, access_of, console_at, is_local_host
from storage.store import Store
from tests.support.bots import start_command, write_bot
from tests.support.command import command
from tests.support.runs import SLOT, evidence, publish
from tests.support.waiting import wait_until

TOKEN = "a token of enough length"
WEB = """
[schedule]
cron = "* * * * * */2"
tick = "1s"
"""


def settings(store: Store | None = None, **web: object) -> Settings:
    url = store.url.render_as_string(hide_password=False) if store is not None else "sqlite:///none.db"
    return Settings(
        store=StoreSettings(url=url), orders=OrdersSettings(path="x.jsonl"), web=WebSettings.model_validate(web)
    )


def test_the_console_answers_at_the_address_that_it_gives(sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT, evidence("BTCUSDT"))

    with console_at(settings(sqlite_store), Address(port=0)) as url:
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}v1/policies/BTCUSDT").json()["quality"] == "good"
        assert "server" not in httpx.get(url).headers
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "desk.example"])
def test_an_address_for_others_needs_a_token_or_without_token(host: str) -> None:
    with pytest.raises(SettingsError, match="ROUTER_POLICY_WEB__TOKEN"):
        access_of(settings(), Address(host=host))

    assert access_of(settings(), Address(host=host, is_open=True)).token is None
    with_token = access_of(settings(token=TOKEN), Address(host=host))
    assert (with_token.token, list(with_token.hosts)) == (TOKEN, ["*"])


def test_a_token_counts_on_this_machine_too_and_names_are_checked() -> None:
    access = access_of(settings(token=TOKEN, hosts=["desk.example"]), Address())

    assert access.token == TOKEN
    assert list(access.hosts) == [*LOCAL_HOSTS, "desk.example"]
    assert list(access_of(settings(token=TOKEN, hosts=["desk.example"]), Address(host="::")).hosts) == list(
        access.hosts
    )
    assert [is_local_host(host) for host in ("localhost", "127.0.0.9", "::1", "10.0.0.1")] == [True, True, True, False]


def test_a_short_token_is_refused_without_being_told(tmp_path: Path) -> None:
    write_bot(tmp_path, datetime(2026, 4, 26, tzinfo=UTC), more='[web]\ntoken = "hunter2"')

    done = command(tmp_path, "web")

    assert done.returncode == 2
    assert "web.token" in done.stderr
    assert "hunter2" not in done.stderr


def test_the_backtest_is_looked_for_beside_the_settings(tmp_path: Path) -> None:
    path = write_bot(tmp_path, datetime(2026, 4, 26, tzinfo=UTC), more='[web]\nbacktest = "backtest.json"')

    assert load(path).web.backtest == str(tmp_path / "backtest.json")


def test_a_taken_port_is_an_error_that_names_the_option(sqlite_store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(AddressError, match=f"port {port} .*--port"),
            console_at(settings(sqlite_store), Address(port=port)),
        ):
            pass


def test_run_with_web_computes_slots_and_shows_them_until_it_is_ended(tmp_path: Path) -> None:
    write_bot(tmp_path, datetime.now(UTC).replace(microsecond=0), more=WEB)
    messages = tmp_path / "messages.log"
    process = start_command(tmp_path, "run", "--web", "--port", "0")

    def events() -> list[str]:
        return [json.loads(line)["event"] for line in messages.read_text().splitlines() if line.endswith("}")]

    try:
        wait_until(lambda: any(event.startswith("console at ") for event in events()), "the console is there")
        url = next(event for event in events() if event.startswith("console at ")).removeprefix("console at ")
        wait_until(lambda: httpx.get(f"{url}readyz").status_code == 200, "a run is published")
        assert "BADUSDT" in httpx.get(url).text
        assert "router_policy_lease_held{" in httpx.get(f"{url}metrics").text
    finally:
        process.terminate()
        code = process.wait(30)

    assert code == 0
    assert events()[-1] == "stopped; no run was left half done"


def test_web_serves_until_it_is_ended(tmp_path: Path) -> None:
    write_bot(tmp_path, datetime(2026, 4, 26, tzinfo=UTC))
    command(tmp_path, "once", "--as-of", "2026-04-26T00:00:00Z")
    process = start_command(tmp_path, "web", "--port", "0")
    messages = tmp_path / "messages.log"
    try:
        wait_until(lambda: "console at " in messages.read_text(), "the console is there")
        url = messages.read_text().partition("console at ")[2].split()[0]
        assert httpx.get(f"{url}v1/policies/BADUSDT").json()["maker_first"] is False
    finally:
        process.terminate()
        code = process.wait(30)

    assert code == 0, messages.read_text()


def test_a_console_asks_for_its_new_token_from_the_next_request_on(sqlite_store: Store) -> None:
    begun: list[Console] = []
    with (
        console_at(settings(sqlite_store), Address(port=0), begun=begun.append) as url,
        httpx.Client(base_url=url) as client,
    ):
        assert client.get("/v1/runs").status_code == 200
        begun[0].use(settings(sqlite_store, token=TOKEN))
        assert client.get("/v1/runs").status_code == 401
        assert client.get("/v1/runs", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_console_for_others_keeps_its_token_if_the_new_settings_have_none(sqlite_store: Store) -> None:
    console = Console(address=Address(host="0.0.0.0"), store=sqlite_store)
    console.use(settings(sqlite_store, token=TOKEN))
    before = console._app

    with pytest.raises(SettingsError, match="ROUTER_POLICY_WEB__TOKEN"):
        console.use(settings(sqlite_store))

    assert console._app is before
