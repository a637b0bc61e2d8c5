"""A URL that comes from a file with a secret: the router reads it as the service does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.settings.line import line_of
from router_policy_client import ReaderSettingsError
from router_policy_client.postgres_url import read_url

_URLS = ["sqlite:///policy.db", "sqlite:////srv/bot/policy.db", "postgresql://ann:secret@db/policies"]


@given(url=st.sampled_from(_URLS), end=st.text(alphabet="\r\n", max_size=3))
def test_line_breaks_at_the_end_are_not_part_of_it(url: str, end: str) -> None:
    assert read_url(url + end) == read_url(url)
    assert line_of(url + end) == url


@given(
    url=st.sampled_from(_URLS),
    at=st.integers(0, 8),
    control=st.sampled_from([*map(chr, range(0x20)), "\x7f"]),
)
def test_any_other_control_character_is_refused_by_both_and_not_repeated(url: str, at: int, control: str) -> None:
    text = url[:at] + control + url[at:]

    with pytest.raises(ReaderSettingsError, match="control character") as refused:
        read_url(text)
    with pytest.raises(ValueError, match="control character"):
        line_of(text)
    assert "secret@" not in str(refused.value)
