import math

import numpy as np
import pytest
from diagnosis.populations import COPIES, POPULATIONS, most_rows, sample

from benign.foundation.randomness import generator

SMALL = ["digits_parity", "cancer", "diabetes", "friedman", "teacher", "sine", "steps", "halfspace", "heavy", "rare"]


@pytest.mark.parametrize("name", SMALL)
def test_inputs_have_the_columns_said_and_targets_are_rows(name):
    population = POPULATIONS[name]
    drawn = sample(population, 0.0, 60, 40, generator(0, "rows"))
    assert drawn.inputs.shape == (60, population.columns)
    assert drawn.test_targets.shape == (40, population.classes or 1)
    if population.classes:
        assert set(np.unique(drawn.targets)) == {0.0, 1.0}
        assert np.all(drawn.targets.sum(axis=1) == 1.0)


@pytest.mark.parametrize("name", ["friedman", "curved", "teacher", "teacher_slow", "sine", "sine_fast", "dense"])
def test_values_have_mean_0_and_variance_1(name):
    _, values = POPULATIONS[name].make(generator(0, "rows"), 6_000)
    assert values.mean() == pytest.approx(0.0, abs=0.08)
    assert values.std() == pytest.approx(1.0, abs=0.05)


def test_test_rows_of_a_finite_population_are_never_trained_on():
    drawn = sample(POPULATIONS["cancer"], 0.0, 300, 189, generator(0, "rows"))
    rows = {row.tobytes() for row in drawn.inputs}
    assert not rows & {row.tobytes() for row in drawn.test_inputs}


def test_labels_are_flipped_to_another_class_at_the_rate_said():
    clean = sample(POPULATIONS["mnist1d"], 0.0, 6000, 10, generator(0, "rows")).targets
    noisy = sample(POPULATIONS["mnist1d"], 0.3, 6000, 10, generator(0, "rows")).targets
    share = (clean.argmax(axis=1) != noisy.argmax(axis=1)).mean()
    assert share == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 6000))


def test_a_pool_gives_at_most_half_of_what_the_test_leaves():
    assert most_rows(POPULATIONS["cancer"], 189) == 190
    assert most_rows(POPULATIONS["friedman"], 600) == math.inf


def test_duplicated_rows_share_an_input_and_not_their_noise():
    drawn = sample(POPULATIONS["duplicated"], 0.3, 80, 40, generator(0, "rows"))
    groups = drawn.inputs.reshape(-1, COPIES, 10)
    assert np.all(groups == groups[:, :1])
    assert np.all(np.ptp(drawn.targets.reshape(-1, COPIES), axis=1) > 0)
