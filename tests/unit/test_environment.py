"""Variables of the environment: which are settings, which belong to others, and secrets that end in a line break."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import SettingsError
from console.settings.environment import refuse_unknown_variables
from console.settings.file import load
from console.settings.model import setting_names

SETTINGS = '[orders]\npath = "logs/*.jsonl"\n'
PASSWORD = "h\u00fcnter2"

SERVICE_WORDS = st.lists(st.from_regex(r"[A-Z][A-Z0-9]{0,7}", fullmatch=True), max_size=3)
PORTS = st.integers(1, 65535)
PROTOCOLS = st.sampled_from(["TCP", "UDP", "SCTP"])


@st.composite
def service_variables(draw: st.DrawFn) -> dict[str, str]:
    """What Kubernetes sets for one service whose name begins with router-policy, with a named port."""
    name = "_".join(["ROUTER_POLICY", *draw(SERVICE_WORDS)])
    port, protocol, port_name = draw(PORTS), draw(PROTOCOLS), draw(st.sampled_from(["HTTP", "WEB_UI", "METRICS"]))
    address = f"{protocol.lower()}://10.0.0.1:{port}"
    return {
        f"{name}_SERVICE_HOST": "10.0.0.1",
        f"{name}_SERVICE_PORT": str(port),
        f"{name}_SERVICE_PORT_{port_name}": str(port),
        f"{name}_PORT": address,
        f"{name}_PORT_{port}_{protocol}": address,
        f"{name}_PORT_{port}_{protocol}_PROTO": protocol.lower(),
        f"{name}_PORT_{port}_{protocol}_PORT": str(port),
        f"{name}_PORT_{port}_{protocol}_ADDR": "10.0.0.1",
    }


def refuse_in(variables: dict[str, str]) -> None:
    with patch.dict(os.environ, variables, clear=True):
        refuse_unknown_variables(setting_names())


def settings_file(folder: Path, text: str = SETTINGS) -> Path:
    path = folder / "router-policy.toml"
    path.write_text(text, "utf-8")
    return path


@given(service_variables())
def test_the_variables_of_a_kubernetes_service_are_no_settings(variables: dict[str, str]) -> None:
    refuse_in(variables)


@pytest.mark.parametrize("name", ["ENV_PATH", "VERSION", "HOME", "IMAGE_TAG", "PORT_80_TCP_START"])
def test_a_variable_of_another_program_is_left_alone(name: str) -> None:
    refuse_in({f"ROUTER_POLICY_{name}": "/x"})


def test_every_setting_is_known_in_upper_and_in_lower_case() -> None:
    for name in setting_names():
        refuse_in({f"ROUTER_POLICY_{name}": "x"})
        refuse_in({f"ROUTER_POLICY_{name.upper()}": "x"})


@pytest.mark.parametrize("name", [name for name in setting_names() if "__" in name])
def test_a_setting_with_one_underscore_too_few_is_refused_with_the_right_name(name: str) -> None:
    variable = f"ROUTER_POLICY_{name.replace('__', '_').upper()}"

    with pytest.raises(SettingsError, match=f"{variable} in the .* is it ROUTER_POLICY_{name.upper()}"):
        refuse_in({variable: "x"})


@given(st.sampled_from(setting_names()), st.data())
def test_a_setting_with_a_letter_too_few_is_refused_by_its_name(name: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(name) - 1))
    section, separator, key = name.partition("__")
    if index >= len(section) and separator:
        return  # within a known section the library itself names the unknown key
    variable = f"ROUTER_POLICY_{(section[:index] + section[index + 1 :] + separator + key).upper()}"

    with pytest.raises(SettingsError, match=f"{variable} in the environment is not a setting"):
        refuse_in({variable: "x"})


@pytest.mark.parametrize("name", ["TOKEN", "URL", "CRON", "WEB_PORT", "SCOPE__X", "_STORE__URL", "STORE_PASSWORD"])
def test_a_name_that_was_meant_as_a_setting_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"ROUTER_POLICY_{name} in the environment is not a setting"):
        refuse_in({f"ROUTER_POLICY_{name}": "8765"})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_line_break_at_the_end_of_a_secret_is_not_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setenv("ROUTER_POLICY_WEB__TOKEN", f"0123456789abcdef{end}")
    monkeypatch.setenv("ROUTER_POLICY_STORE__URL", f"sqlite:////data/y.db{end}")
    monkeypatch.setenv("ROUTER_POLICY_SCOPE", f"paper{end}")
    monkeypatch.setenv("ROUTER_POLICY_SCHEDULE__DEADLINE", f"7m{end}")

    settings = load(settings_file(tmp_path))

    assert settings.web.token is not None
    assert settings.web.token.get_secret_value() == "0123456789abcdef"
    assert (settings.store.url, settings.scope) == ("sqlite:////data/y.db", "paper")
    assert settings.schedule.deadline.total_seconds() == 420


def test_a_line_break_at_the_end_of_a_text_in_the_file_is_not_part_of_it(tmp_path: Path) -> None:
    text = '[store]\nurl = """sqlite:////data/y.db\n"""\n[web]\ntoken = """0123456789abcdef\n"""\n' + SETTINGS

    settings = load(settings_file(tmp_path, text))

    assert settings.store.url == "sqlite:////data/y.db"
    assert settings.web.token is not None
    assert settings.web.token.get_secret_value() == "0123456789abcdef"


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x1b", "\x7f"])
def test_a_control_character_inside_a_secret_is_refused_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    monkeypatch.setenv("ROUTER_POLICY_STORE__URL", f"postgresql://me:{PASSWORD}{character}@db/policy")

    with pytest.raises(SettingsError, match=r"store\.url: has a line break or another control character") as refusal:
        load(settings_file(tmp_path))

    assert PASSWORD not in str(refusal.value)


def test_a_token_that_a_header_does_not_carry_is_refused_without_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTER_POLICY_WEB__TOKEN", f"{PASSWORD} and ten characters more")

    with pytest.raises(SettingsError, match=r"web\.token: has characters that a request cannot carry") as refusal:
        load(settings_file(tmp_path))

    assert PASSWORD not in str(refusal.value)


def test_a_query_may_have_many_lines(tmp_path: Path) -> None:
    text = '[orders]\nkind = "canonical"\nurl = "sqlite:///bot.db"\nquery = """select *\nfrom orders\n"""\n'

    assert load(settings_file(tmp_path, text)).orders.query == "select *\nfrom orders\n"


@pytest.mark.parametrize("key", ["[orders]\npath", '[store]\nurl = "sqlite:///x.db"\n[orders]\npath'])
def test_a_path_beyond_ascii_is_refused_where_file_names_are_not_utf8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    path = settings_file(tmp_path, f'{key} = "b\u00f6rse/*.jsonl"\n')
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "iso8859-1")

    with pytest.raises(SettingsError, match=r"orders\.path has letters beyond ASCII.* iso8859-1; set LC_ALL=C\.UTF-8"):
        load(path)
