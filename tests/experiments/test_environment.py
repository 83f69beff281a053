"""Where and how jobs run: one value, of which no number depends."""

from __future__ import annotations

from pathlib import Path

import benign
from benign.experiments import Environment
from benign.experiments.measurement import measure_in
from benign.experiments.store import Store


def measured(environment: Environment):
    return measure_in(
        environment, benign.Polynomial(), benign.sources.mml(), samples=[10], sizes=[2, 4], replicates=2, name="two"
    ).dataset


def test_no_number_depends_on_it(tmp_path: Path) -> None:
    one = measured(Environment(executor="here"))
    other = measured(Environment(executor="processes", workers=2, store=tmp_path / "store.db", attempts=2, seconds=600))
    assert one["test_loss"].values.tolist() == other["test_loss"].values.tolist()


def test_nothing_is_kept_unless_a_place_is_named(tmp_path: Path) -> None:
    measured(Environment(executor="here"))
    assert not benign.list_runs(tmp_path / "store.db")


def test_calls_in_an_opened_one_share_what_they_keep() -> None:
    with Environment(executor="here").opened() as here:
        assert isinstance(here.store, Store)
        measured(here)
        told: list[tuple[float, float]] = []
        measured(Environment(executor="here", store=here.store, progress=lambda _, *far: told.append(far)))
        assert next(run.record.id for run in here.store.runs()).startswith("two-")
    assert set(told) == {(2, 2)}  # from its beginning: nothing was left


def test_progress_says_the_part_first() -> None:
    said: set[str] = set()
    measured(Environment(executor="here", progress=lambda task, *_: said.add(task)).told_of("width"))
    assert said == {"width: jobs"}
