"""Generated families of tests in two forms: few examples, the same each time, and many, new ones each time."""

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

Test = Callable[..., None]


def family(*, short: int, long: int, **drawn: SearchStrategy[object]) -> Callable[[Test], Test]:
    """Run a test with examples of what is drawn: `short` of them with `make test`, `long` with `make faults`.

    The examples of the short form do not change, so it fails for a change of the code only. A fixture of a test is the
    same for all examples. To be written below other parameters of the test.
    """

    def decorate(test: Test) -> Test:
        forms = {short: _form(test, drawn, short, is_random=False), long: _form(test, drawn, long, is_random=True)}

        @pytest.mark.parametrize("examples", [short, pytest.param(long, marks=pytest.mark.long)])
        def in_one_form(examples: int, **fixtures: object) -> None:
            forms[examples](**fixtures)

        in_one_form.__name__ = test.__name__
        in_one_form.__doc__ = test.__doc__
        in_one_form.__module__ = test.__module__
        in_one_form.__signature__ = _signature(test, drawn)  # type: ignore[attr-defined]  # what pytest reads
        return in_one_form

    return decorate


def product_of(names: str, *values: Sequence[object]) -> pytest.MarkDecorator:
    """Run a test with each combination of the values of these names; `make test` with as few as have each value."""
    numbers = [range(len(each)) for each in values]
    short = {tuple(number % len(each) for each in values) for number in range(max(map(len, values)))}
    return pytest.mark.parametrize(
        names,
        [
            pytest.param(
                *(each[number] for each, number in zip(values, chosen, strict=True)),
                marks=() if chosen in short else pytest.mark.long,
            )
            for chosen in product(*numbers)
        ],
    )


def _form(test: Test, drawn: dict[str, SearchStrategy[object]], examples: int, *, is_random: bool) -> Test:
    chosen = settings(
        max_examples=examples,
        derandomize=not is_random,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    return chosen(given(**drawn)(test))


def _signature(test: Test, drawn: dict[str, SearchStrategy[object]]) -> object:
    whole = signature(test)
    asked = [parameter for name, parameter in whole.parameters.items() if name not in drawn]
    parameters = [Parameter("examples", Parameter.POSITIONAL_OR_KEYWORD), *asked]
    return whole.replace(parameters=[parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in parameters])
