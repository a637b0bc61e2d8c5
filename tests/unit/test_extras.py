"""What is said if the libraries of an extra are not there."""

import pytest

from console.errors import SettingsError
from console.extras import require_libraries


def test_a_missing_library_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(SettingsError) as refused:
        require_libraries("the tea", ["json", "no_such_leaf", "no_such_pot"], "tea")

    assert str(refused.value) == (
        "the tea needs no_such_leaf and no_such_pot; in the clone of router-policy run: pip install '.[tea]'"
    )


def test_libraries_that_are_there_pass() -> None:
    require_libraries("the tea", ["json"], "tea")
