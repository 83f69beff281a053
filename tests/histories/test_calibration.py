import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.foundation.errors import InvalidArgument
from benign.histories.calibration import calibrate, refine


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def predictions(samples: int, classes: int, *, sharper: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are ``sharper`` times too sure, and labels drawn from what they should be."""
    rng = np.random.default_rng(seed)
    scores = 1.5 * rng.standard_normal((samples, classes))
    labels = (softmax(scores).cumsum(axis=1) < rng.random((samples, 1))).sum(axis=1)
    return softmax(sharper * scores), labels


def grid_search(rows: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The definition, by brute force."""
    best = (np.inf, 0.0)
    for inverse in np.exp(np.linspace(-2, 2, 1601)):
        scaled = softmax(inverse * np.log(rows))
        loss = -np.log(scaled[np.arange(labels.size), labels]).mean()
        best = min(best, (loss, inverse))
    return best


@pytest.mark.parametrize("sharper", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_temperature_is_the_best_one(sharper, classes):
    rows, labels = predictions(150, classes, sharper=sharper)
    loss, inverse = grid_search(rows, labels)
    found = refine(rows, labels)
    assert found.inverse_temperature == pytest.approx(inverse, rel=3e-3)
    mixed = 150 / 151 * softmax(found.inverse_temperature * np.log(rows)) + 1 / 151 / classes
    expected = -np.log(mixed[np.arange(150), labels]).mean() + 1 / 300
    assert found.refinement == pytest.approx(expected, abs=1e-9)
    assert found.refinement == pytest.approx(loss, abs=2 / 150)
    assert found.refinement + found.calibration == pytest.approx(-np.log(rows[np.arange(150), labels]).mean())


@given(st.floats(0.2, 5.0), st.integers(0, 1000))
def test_refinement_does_not_see_a_temperature(sharper, seed):
    """Nor does the error."""
    plain = refine(*predictions(200, 3, sharper=1.0, seed=seed))
    sharp = refine(*predictions(200, 3, sharper=sharper, seed=seed))
    assert sharp.refinement == pytest.approx(plain.refinement, abs=1e-7)
    assert sharp.error == plain.error
    assert sharp.inverse_temperature * sharper == pytest.approx(plain.inverse_temperature, rel=1e-5)


def test_the_correction_removes_the_bias_of_fitting_in_sample():
    """Against the loss at the temperature that is right in the population, sample by sample."""
    differences = []
    for seed in range(200):
        rows, labels = predictions(200, 4, sharper=3.0, seed=seed)
        right = softmax(np.log(rows) / 3)[np.arange(200), labels]
        differences.append(refine(rows, labels).refinement + np.log(right).mean())
    error = np.std(differences) / 200**0.5
    assert error < 0.25 / 200  # a bias of 1 / (2 n) would show
    assert abs(np.mean(differences)) < 3 * error + 0.1 / 200


def test_a_perfect_classifier_wants_more_confidence():
    labels = np.arange(200) % 2
    rows = np.where(labels[:, None] == np.arange(2), 0.9, 0.1)
    assert refine(rows, labels).inverse_temperature > 10
    assert refine(rows, labels).refinement < 0.01


def epochs() -> tuple[np.ndarray, np.ndarray]:
    """Sharper from epoch to epoch: right at the second."""
    made = [predictions(400, 4, sharper=sharper) for sharper in (0.5, 1.0, 2.0, 4.0)]
    return np.stack([rows for rows, _ in made]), made[0][1]


def test_the_parts_over_the_epochs():
    rows, labels = epochs()
    found = calibrate(rows, labels)
    assert found.best == 1
    assert np.ptp(found.refinement) < 1e-6
    assert found.refinement_rise == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found.loss, found.refinement + found.calibration)
    losses = -np.log(rows[:, np.arange(400), labels])
    difference = losses[3] - losses[1]
    assert found.rise == pytest.approx(difference.mean())
    assert found.rise_se == pytest.approx(difference.std(ddof=1) / 20)
    assert found.log_rise == pytest.approx(np.log(losses[3].mean() / losses[1].mean()))


def test_the_error_of_the_ratio_is_the_spread_over_validation_sets():
    drawn = []
    for seed in range(100):
        made = [predictions(300, 3, sharper=sharper, seed=seed) for sharper in (1.0, 2.0)]
        drawn.append(calibrate([rows for rows, _ in made], made[0][1]))
    told = np.mean([one.log_rise_se for one in drawn])
    assert told == pytest.approx(np.std([one.log_rise for one in drawn]), rel=0.25)


def test_epochs_may_come_one_by_one():
    rows, labels = epochs()
    whole = calibrate(rows, labels)
    for given_as in (list(rows), iter(rows), lambda: iter(rows)):
        found = calibrate(given_as, labels)
        np.testing.assert_array_equal(found.refinement, whole.refinement)
        assert (found.rise, found.rise_se) == (whole.rise, whole.rise_se)


ROWS, LABELS = predictions(200, 3, sharper=1.0)


@pytest.mark.parametrize(
    ("rows", "labels", "says"),
    [
        (ROWS, LABELS + 0.5, "regression"),
        (ROWS[:99], LABELS[:99], "at least 100"),
        (ROWS, np.minimum(LABELS, 1), "missing"),
        (ROWS, LABELS + 1, "from 1 to 3"),
        (np.log(ROWS), LABELS, "softmax"),
        (ROWS * np.nan, LABELS, "softmax"),
        (np.eye(3)[LABELS], LABELS, "hard decision"),
        (ROWS[:, 0], LABELS, "shape"),
        (ROWS[:50], LABELS, "shape"),
        (ROWS.astype(str), LABELS, "shape"),
    ],
)
def test_what_is_no_classification_gets_a_sentence(rows, labels, says):
    with pytest.raises(InvalidArgument, match=says):
        calibrate([rows], labels)


def test_no_epoch_and_changing_classes_get_a_sentence():
    with pytest.raises(InvalidArgument, match="no epoch"):
        calibrate([], LABELS)
    with pytest.raises(InvalidArgument, match="from 0 to 2"):
        calibrate([ROWS, predictions(200, 2, sharper=1.0)[0]], LABELS)
