"""Probabilities beside a log: read from wherever they lie, joined to the curves, and what is decided by them."""

import numpy as np
import pytest

import benign
from benign.foundation.errors import InvalidArgument
from benign.histories import Triage, calibrate
from benign.histories.history import History
from benign.histories.predictions import calibration_of, joined

SAMPLES, EPOCHS = 2000, 12
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 2, SAMPLES)


def _binary(right):
    """Probabilities of both classes, from that of the right one."""
    rows = np.column_stack([1 - right, right])
    return np.where(LABELS[:, None] == 1, rows, rows[:, ::-1])


def _sharpened(sharpness, noise=0.0):
    """Predictions of one score a sample, ever surer, with ever more noise in it."""
    scores = np.random.default_rng(1).normal(1.0, 1.0, SAMPLES) + noise * np.random.default_rng(2).normal(size=SAMPLES)
    return _binary(1 / (1 + np.exp(-sharpness * scores)))


def _blurred(share):
    """Right at 99 % of one half and at 60 % of the other, known for a share of the samples; of others their mean."""
    random = np.random.default_rng(3)
    is_easy, is_known = np.arange(SAMPLES) % 2 == 0, random.random(SAMPLES) > share
    is_right = random.random(SAMPLES) < np.where(is_easy, 0.99, 0.6)
    sure = np.where(is_known, np.where(is_easy, 0.99, 0.6), 0.795)
    return _binary(np.where(is_right, sure, 1 - sure))


SURER = [_sharpened(0.5 + 0.4 * k) for k in range(EPOCHS)]


def _losses(epochs):
    return [-float(np.log(rows[np.arange(SAMPLES), LABELS]).mean()) for rows in epochs]


def _triage(log, **known):
    answer = benign.triage(log, **known)
    assert isinstance(answer, Triage)
    return answer


@pytest.fixture
def places(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "beside").mkdir()
    np.savez(tmp_path / "all.npz", labels=LABELS, **{f"epoch_{k}": rows for k, rows in enumerate(SURER)})
    np.save(tmp_path / "all.npy", np.array(SURER))
    np.save(tmp_path / "right.npy", LABELS)
    np.save(tmp_path / "beside" / "labels.npy", LABELS)
    for k, rows in enumerate(SURER):
        np.savez(tmp_path / "inside" / f"{k}.npz", probabilities=rows, y=LABELS)
        np.save(tmp_path / "beside" / f"epoch{k}.npy", rows)
    return tmp_path


@pytest.mark.parametrize("where", ["all.npz", "all.npy", "inside", "beside", "list", "labels in a file", "generator"])
def test_probabilities_are_read_from_wherever_they_lie(places, where):
    given = {
        "list": ([places / "inside" / f"{k}.npz" for k in range(EPOCHS)], None),
        "labels in a file": (places / "all.npy", str(places / "right.npy")),
        "all.npy": (str(places / "all.npy"), LABELS),
        "generator": ((rows for rows in SURER), LABELS),
    }.get(where, (places / where, None))
    found, known = calibration_of(*given), calibrate(SURER, LABELS)
    assert found.loss.tolist() == known.loss.tolist()  # so the tenth epoch comes after the second
    assert found.error.tolist() == known.error.tolist()


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a text", lambda path: path.write_text("epoch,loss\n")),
        ("cut", lambda path: path.write_bytes((path.parent / "all.npz").read_bytes()[:3000])),
        ("empty", lambda path: path.write_bytes(b"")),
        ("objects", lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True)),
        ("a vector", lambda path: np.savez(path, labels=LABELS, one=np.ones(3))),
        ("no labels", lambda path: np.savez(path, one=SURER[0])),
        ("a folder", lambda path: path.mkdir()),
        ("nothing", lambda path: path.parent.is_dir()),
    ],
)
def test_what_is_no_probabilities_is_one_sentence(places, name, write):
    (places / "x").mkdir()
    path = places / "x" / "file.npz"
    if name == "cut":
        path = places / "cut.npz"
    write(path)
    with pytest.raises(InvalidArgument) as caught:
        benign.triage({"val_loss": [1.0] * EPOCHS}, probabilities=path)
    assert str(caught.value).endswith((".", "'."))
    assert "\n" not in str(caught.value)


def test_labels_without_probabilities_and_several_runs_are_refused(tmp_path):
    with pytest.raises(InvalidArgument, match="there are none"):
        benign.triage({"val_loss": [1.0]}, labels=LABELS)
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("epoch,val_loss\n1,2\n2,1\n3,1\n", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="which with `run`"):
        benign.triage(tmp_path, probabilities=SURER, labels=LABELS)


def test_what_the_log_lacks_is_taken_from_them():
    parts = calibrate(SURER, LABELS)
    bare = History(times=np.arange(1.0, EPOCHS + 1))
    history, notes = joined(bare, parts)
    assert (notes, history.classes, history.validation_samples) == ((), 2, SAMPLES)
    assert history.validation_loss is parts.loss
    assert history.validation_error is parts.error
    recorded = np.array(_losses(SURER))
    same, notes = joined(History(times=bare.times, validation_loss=recorded, classes=2), parts)
    assert same.validation_loss is recorded
    assert notes == ()
    _, notes = joined(History(times=bare.times, validation_loss=2 * recorded), parts)
    assert "differ from the log's by 100 %" in notes[0]
    other, notes = joined(History(times=np.arange(1.0, 8.0)), parts)
    assert other.validation_loss is None
    assert "12 evaluations, the log has 7" in notes[0]


def test_a_temperature_that_gives_back_the_rise_is_overconfidence_even_where_the_error_rose():
    epochs = [_sharpened(0.5 + 0.5 * k, noise=0.06 * k) for k in range(EPOCHS)]
    log = {"val_loss": _losses(epochs)}
    answer = _triage(log, probabilities=epochs, labels=LABELS)
    finding = next(one for one in answer.findings if one.code == "overconfidence")
    parts = answer.reading.calibration
    assert parts is not None
    assert answer.reading.error is not None
    assert answer.reading.error.answer == "up"
    assert "overfitting" in answer.codes
    assert finding.evidence["given_back_share"] == pytest.approx(1 - parts.refinement_rise / parts.rise)
    assert finding.evidence["given_back_share"] > 0.5
    assert finding.next is None  # it was done


def test_a_rise_that_no_temperature_gives_back_is_no_overconfidence_even_where_the_error_did_not_rise():
    epochs = [_blurred(abs(k - 3) / 9) for k in range(EPOCHS + 1)]
    log = {"val_loss": _losses(epochs), "val_error": [0.205] * (EPOCHS + 1)}
    assert "overconfidence" in _triage(log, validation_samples=20_000).codes
    answer = _triage(log, probabilities=epochs, labels=LABELS)
    assert answer.state == "risen"
    assert answer.codes == ("rise-unknown-end",)
    assert any("less than a tenth of the rise" in text for text in answer.findings[0].excluded)


def test_the_share_is_none_where_nothing_rose():
    assert calibrate(SURER[:2], LABELS).given_back is None
