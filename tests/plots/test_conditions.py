"""Ordered conditions in one picture: told apart without colour, in grey print and by the colour-blind."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from benign.plots import CurveDisplay, Role, Series, series_from_replicates
from benign.plots.style import CONDITION_LOOKS, LOOKS, PAPER
from tests.plots.test_curve import key_of
from tests.plots.test_style import contrast

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
_VISIONS = {
    "normal": np.eye(3),
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour: str, vision: str = "normal") -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as one kind of eye sees it."""
    parts = np.array([int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(_VISIONS[vision]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    scaled = xyz / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def condition(name: str, level: float, place: int | None, role: Role = Role.TEST) -> Series:
    values = level * np.array([[1.0, 2.0, 1.5], [1.2, 2.2, 1.6]])
    return series_from_replicates(name, np.array([1, 10, 100]), values, role, condition=place)


def display(*roles: Role) -> CurveDisplay:
    series = [
        condition(f"{role.value}, noise {10 * place} %", 1.0 + place, place, role)
        for role in roles or (Role.TEST,)
        for place in range(3)
    ]
    return CurveDisplay(title="Label noise", series=tuple(series))


def test_lightness_falls_from_condition_to_condition() -> None:
    lightness = [float(lab(look.colour)[0]) for look in CONDITION_LOOKS]
    assert all(light - dark >= 9 for light, dark in pairwise(lightness))


@pytest.mark.parametrize("vision", list(_VISIONS))
def test_conditions_stay_apart_in_every_eye(vision: str) -> None:
    for one, other in combinations(CONDITION_LOOKS, 2):
        assert np.linalg.norm(lab(one.colour, vision) - lab(other.colour, vision)) >= 23


def test_conditions_differ_without_colour_and_their_names_can_be_read() -> None:
    assert len({look.dashes for look in CONDITION_LOOKS}) == len(CONDITION_LOOKS)
    assert all(contrast(look.colour, PAPER) >= 4.5 for look in CONDITION_LOOKS)


def test_lines_and_names_take_the_look_of_their_condition() -> None:
    ax = display().plot().ax_
    assert ax is not None
    assert [line.get_color() for line in ax.lines] == [look.colour for look in CONDITION_LOOKS[:3]]
    names = {text.get_text(): text.get_color() for text in ax.texts if "noise" in text.get_text()}
    assert names == {f"test, noise {10 * place} %": CONDITION_LOOKS[place].colour for place in range(3)}


def test_the_other_roles_of_a_condition_are_thin_and_told_apart() -> None:
    ax = display(Role.TEST, Role.TRAIN, Role.REMEDY).plot().ax_
    assert ax is not None
    lines = {str(line.get_label()): line for line in ax.lines}
    for place in range(3):
        test, train, remedy = (
            lines[f"{role.value}, noise {10 * place} %"] for role in (Role.TEST, Role.TRAIN, Role.REMEDY)
        )
        assert test.get_color() == train.get_color() == remedy.get_color()
        assert train.get_linewidth() < 0.6 * test.get_linewidth()
        assert (train.get_marker(), remedy.get_marker()) == ("o", "s")


def test_the_key_keeps_the_order_of_the_conditions() -> None:
    assert key_of(display().figure(narrow=True, alone=False)) == [
        "test, noise 0 %",
        "test, noise 10 %",
        "test, noise 20 %",
    ]


def test_the_frame_names_the_condition_only_where_there_is_one() -> None:
    mixed = CurveDisplay(title="", series=(condition("a", 1.0, 2), condition("b", 2.0, None)))
    frame = mixed.frame()
    assert list(frame.columns)[:3] == ["series", "role", "condition"]
    assert frame["condition"].tolist()[:3] == [2, 2, 2]
    assert frame["condition"].isna().tolist() == [False] * 3 + [True] * 3
    plain = CurveDisplay(title="", series=(condition("b", 2.0, None),))
    assert "condition" not in plain.frame().columns


def test_a_condition_survives_decimation() -> None:
    positions = np.arange(1.0, 2001.0)
    series = Series(name="a", positions=positions, median=positions, low=positions, high=positions, condition=1)
    drawn = CurveDisplay(title="", series=(series,)).drawn[0]
    assert len(drawn.positions) < 2000
    assert drawn.condition == 1


def test_without_a_condition_the_role_decides() -> None:
    ax = CurveDisplay(title="", series=(condition("a", 1.0, None, Role.TRAIN),)).plot().ax_
    assert ax is not None
    assert ax.lines[0].get_color() == LOOKS[Role.TRAIN].colour


@pytest.mark.parametrize("place", [-1, 4])
def test_a_condition_without_a_look_gets_a_sentence(place: int) -> None:
    with pytest.raises(InvalidArgument, match=f"`condition` of series 'a' must be 0 to 3, got {place}; spread"):
        replace(condition("a", 1.0, 0), condition=place)
