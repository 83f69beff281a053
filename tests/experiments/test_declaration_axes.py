"""Axes as they are declared: lists, one number, ranges, "every"; and what none of them is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benign.experiments.declaration import InvalidDeclaration, Range
from benign.experiments.declaration.axes import as_numbers, as_whole_numbers, real_axis, whole_axis


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        pytest.param(7, [7], id="one-number"),
        pytest.param([3, 1, 2], [3, 1, 2], id="list-as-given"),
        pytest.param([2.0, 4.0], [2, 4], id="whole-floats"),
        pytest.param({"from": 2, "to": 11, "step": 3}, [2, 5, 8, 11], id="steps-that-meet-the-end"),
        pytest.param({"from": 2, "to": 10, "step": 3}, [2, 5, 8], id="steps-that-do-not"),
        pytest.param({"from": 5, "to": 5, "step": 1}, [5], id="one-step"),
        pytest.param({"from": 10, "to": 30, "count": 3}, [10, 20, 30], id="linear"),
        pytest.param({"from": 1, "to": 2, "count": 9}, [1, 2], id="linear-rounded-to-distinct"),
        pytest.param({"from": 50, "to": 800, "count": 5, "scale": "log"}, [50, 100, 200, 400, 800], id="log"),
        pytest.param({"from": 1, "to": 10, "count": 8, "scale": "log"}, [1, 2, 3, 4, 5, 7, 10], id="log-rounded"),
    ],
)
def test_whole_numbers(declared: object, values: list[int]) -> None:
    found = as_whole_numbers(declared)
    assert found == values
    assert all(type(value) is int for value in found)


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        pytest.param(2, [2.0], id="one-number"),
        pytest.param([0, 0.5], [0.0, 0.5], id="list"),
        pytest.param({"from": 0, "to": 0.3, "step": 0.1}, [0.0, 0.1, 0.2, 0.3], id="decimal-steps"),
        pytest.param({"from": 1, "to": 2, "count": 3}, [1.0, 1.5, 2.0], id="linear"),
        pytest.param({"from": 0.01, "to": 1, "count": 3, "scale": "log"}, [0.01, 0.1, 1.0], id="log"),
    ],
)
def test_real_numbers(declared: object, values: list[float]) -> None:
    np.testing.assert_allclose(as_numbers(declared), values, rtol=1e-15)


def test_steps_are_decimals_exactly() -> None:
    assert as_numbers({"from": 0.1, "to": 0.9, "step": 0.1}) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_the_ends_of_a_range_are_exact() -> None:
    values = Range(start=3, to=1000, count=17, scale="log").values()
    assert (values[0], values[-1]) == (3.0, 1000.0)
    assert len(values) == 17


def test_every() -> None:
    assert whole_axis("every") == "every"


RANGE = {"from": 50, "to": 800, "count": 5}

BAD_RANGES: dict[str, tuple[dict[str, object], str]] = {
    "no-end": ({"from": 1, "step": 1}, "to: is missing; it must be a number"),
    "no-start": ({"to": 1, "step": 1}, "from: is missing; it must be a number"),
    "down": ({"from": 9, "to": 1, "step": 1}, "must not go down, got from 9 to 1."),
    "neither": ({"from": 1, "to": 9}, "must have either a `step` or a `count`"),
    "both": ({**RANGE, "step": 2}, "must have either a `step` or a `count`"),
    "no-step": ({"from": 1, "to": 9, "step": 0}, "step: must be a positive number, got 0."),
    "tiny-step": ({"from": 1, "to": 9, "step": 1e-300}, "must hold at most 1,000,000 values; take a larger `step`."),
    "many": ({**RANGE, "count": 10**7}, "count: must be a whole number of values, at least 2, got 10000000."),
    "one": ({**RANGE, "count": 1}, "count: must be a whole number of values, at least 2, got 1."),
    "true": ({**RANGE, "count": True}, "count: must be a whole number of values, at least 2, got True."),
    "text": ({**RANGE, "from": "50"}, "from: must be a number, at most 1e15 in size, got '50'."),
    "huge": ({**RANGE, "to": 1e300}, "to: must be a number, at most 1e15 in size, got 1e+300."),
    "log-steps": (
        {"from": 1, "to": 9, "step": 1, "scale": "log"},
        'with scale = "log" must have a `count` and start above 0.',
    ),
    "log-of-zero": ({**RANGE, "from": 0, "scale": "log"}, 'with scale = "log" must have a `count` and start above 0.'),
    "scale": ({**RANGE, "scale": "lin"}, 'scale: must be "linear" or "log", got \'lin\'.'),
    "unknown": ({**RANGE, "stop": 9}, "stop: there is no such key; did you mean 'step'? Known: count, from, scale"),
}


@pytest.mark.parametrize("axis", [whole_axis, real_axis])
@pytest.mark.parametrize(("declared", "message"), BAD_RANGES.values(), ids=BAD_RANGES.keys())
def test_bad_ranges(axis, declared: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidDeclaration, match="^" + re.escape(message)):
        axis(declared)


BAD_AXES: dict[str, tuple[object, str]] = {
    "text": ("all", "must be a list of"),
    "true": (True, "must be a list of"),
    "nothing": (None, "must be a list of"),
    "empty": ([], "must hold at least one value, got an empty list."),
    "text-in-a-list": ([1, "2"], "must be "),
    "true-in-a-list": ([True], "must be "),
    "list-in-a-list": ([[1]], "must be "),
}


@pytest.mark.parametrize("axis", [whole_axis, real_axis])
@pytest.mark.parametrize(("declared", "message"), BAD_AXES.values(), ids=BAD_AXES.keys())
def test_bad_axes(axis, declared: object, message: str) -> None:
    with pytest.raises(InvalidDeclaration, match="^" + message):
        axis(declared)


@pytest.mark.parametrize("declared", [1.5, [1, 2.5], [1e300], {"from": 0.5, "to": 3, "count": 3}])
def test_fractions_are_no_whole_numbers(declared: object) -> None:
    with pytest.raises(InvalidDeclaration, match=r"must be (a whole number|whole numbers)"):
        whole_axis(declared)


def test_every_moment_does_not_exist() -> None:
    with pytest.raises(InvalidDeclaration, match=r'^cannot be "every"; give a range, for example \{ from = 1'):
        real_axis("every")
