"""The answer as a user gets it: the public cases, the founding question, every code's words, several runs, JSON."""

import json
import subprocess
import sys
from typing import Any

import jsonschema
import numpy as np
import pytest

import benign
from benign.foundation.errors import BenignError, InvalidArgument
from benign.histories import CODES, Triage, json_schema
from benign.histories.advice import _ADVICE
from benign.histories.answer import Triages
from benign.histories.verdicts import _VERDICTS
from benign.plots import CurveDisplay, StackedDisplay
from tests.histories.recorded_runs import founding_curve, there

EPOCHS = np.arange(1, 61)


def asked(history: object, **known: Any) -> Triage:
    """The answer on one run."""
    answer = benign.triage(history, **known)
    assert isinstance(answer, Triage)
    return answer


def _noisy(values, *, sd=0.003, seed=0):
    return (np.asarray(values) + np.random.default_rng(seed).normal(0.0, sd, len(values))).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_accuracy_and_loss_both_up_is_overconfidence(seed):
    epoch = np.arange(1, 21)
    log = {
        "epoch": epoch.tolist(),
        "loss": (0.3 * np.exp(-epoch / 4)).tolist(),
        "val_accuracy": _noisy(0.98 - 0.08 * np.exp(-epoch / 5), sd=0.0008, seed=seed),
        "val_loss": _noisy(0.18 + 0.12 * np.exp(-epoch / 1.5) + 0.012 * np.maximum(epoch - 3, 0), seed=seed),
    }
    answer = asked(log, validation_samples=10_000, classes=10)
    assert answer.codes[0] == "overconfidence"
    assert "overfitting" not in answer.codes
    assert "temperature" in answer.advice[0]
    assert there(there(answer.overconfidence).certified_share) > 0.5


def test_one_step_and_three_points_are_too_few():
    one_step = asked({"epoch": [55, 56], "val_loss": [1.3, 1.4], "val_accuracy": [85, 86]})
    three = asked({"train_loss": [0.549, 0.578, 0.601], "val_loss": [0.407, 0.404, 0.380]})
    for answer in (one_step, three):
        assert (answer.state, answer.codes[0]) == ("undecided", "too-few-points")
        assert answer.forecast == {}


def test_a_best_in_the_middle_is_kept_and_the_rest_not_known():
    losses = [2.11, 1.77, 1.59, 1.52, 1.49, 1.51, 1.52, 1.56]
    answer = asked({"iter": [250 * k for k in range(1, 9)], "val_loss": losses})
    assert (answer.state, answer.findings) == ("undecided", ())
    assert answer.advice == ("Keep the weights of step 1,250, the best so far; what comes after is not known.",)


@pytest.mark.parametrize(("train", "validation"), [(0.575, 0.643), (91, 99)])
def test_training_below_validation_is_first_a_matter_of_measuring(train, validation):
    answer = asked({"accuracy": [train], "val_accuracy": [validation]})
    assert answer.codes[0] == "train-worse-than-validation"
    assert "evaluation mode" in there(answer.findings[0].next).experiment


def test_both_curves_up_and_down_is_optimisation():
    curve = 0.3 + np.exp(-EPOCHS / 10) + 0.6 * np.exp(-(((EPOCHS - 30) / 6.0) ** 2))
    answer = asked({"train_loss": _noisy(0.9 * curve), "val_loss": _noisy(curve, seed=1)})
    assert "optimisation, not double descent" in answer.headline
    assert next(one for one in answer.findings if one.code == "second-descent").explained_by == "train-rise"


def test_components_that_disagree_ask_which_one_counts():
    epoch = np.arange(1, 501)
    log = {
        "epoch": epoch.tolist(),
        "val/box_loss": _noisy(0.6 + 1.2 * np.exp(-epoch / 60) + 0.0006 * np.maximum(epoch - 200, 0)),
        "metrics/mAP50(B)": _noisy(0.7 - 0.5 * epoch**-0.4, seed=1),
    }
    answer = asked(log)
    assert answer.codes[0] == "wrong-selection-metric"
    assert "which one counts?" in answer.headline


@pytest.mark.parametrize("seed", range(5))
def test_the_founding_question(seed):
    times, losses = founding_curve(400, seed=seed)
    log = {"epoch": times, "val_loss": losses, "train_loss": 2 * times**-0.6, "lr": np.full(400, 1e-3)}

    def cut(epochs):
        return asked({name: values[:epochs] for name, values in log.items()}, validation_samples=5000)

    early = cut(70)
    assert (early.state, early.codes) == ("risen", ("rise-unknown-end",))
    assert (
        "it came within twice at 1 of 1,804 moments of other networks that had risen as far and still rose"
        in early.findings[0].verdict
    )
    whole = cut(400)
    assert whole.codes[0] == "second-descent"
    assert (whole.findings[0].against_best, whole.findings[0].explained_by) == ("below", "")
    assert "a phenomenon, not a bug" in whole.headline
    assert abs(whole.landmarks.best.time - 20) <= 3
    assert abs(whole.landmarks.peak.time - 72) <= 6


def test_every_code_has_its_words():
    assert set(CODES) == set(_VERDICTS) == set(_ADVICE)
    for one in _ADVICE.values():
        assert len(one.headline.split()) <= 20
        assert one.headline.endswith((".", "?"))


def _bank():
    """Logs that between them show most codes."""
    t = EPOCHS.astype(float)
    fitted = {"train_loss": 2 / t, "train_error": 0.5 / t**2}
    risen = 0.5 + 1 / t + 0.02 * t
    return {
        "improving": {"val_loss": 2 * t**-0.5},
        "plateau": {"val_loss": _noisy(1 + np.exp(-t), sd=0.002)},
        "overfitting": {**fitted, "val_loss": risen, "val_error": _noisy(0.2 + 0.3 / t + 0.004 * t)},
        "benign-interpolation": {**fitted, "val_loss": _noisy(0.3 + np.exp(-t)), "val_error": 0.1 + np.exp(-t) / 2},
        "divergence": {
            "train_loss": [*(1 / t[:40]), *[float("nan")] * 20],
            "val_loss": [1.0] * 40 + [float("inf")] * 20,
        },
        "not-learning": {
            "train_loss": _noisy(2.3 + 0 * t),
            "train_error": _noisy(0.9 + 0 * t),
            "val_loss": _noisy(2.3 + 0 * t),
        },
        "erratic": {"val_loss": np.exp(np.random.default_rng(0).normal(0, 0.5, 60))},
        "evaluation-mode": {"train_loss": 2 / t, "val_loss": 0.4 + 9 * np.exp(-t / 5)},
        "leak-suspicion": {"val_loss": 0.1 + 1 / t, "val_error": 0.02 + 0.3 / t},
        "shift": {"val_loss": 0.3 + 1 / t, "val_error": 0.05 + 0.3 / t},
        "underfitting": {
            "train_loss": _noisy(1 + np.exp(-t)),
            "train_error": 0.4 + 0 * t,
            "val_loss": _noisy(1.01 + np.exp(-t)),
        },
        "measurement-changed": {"train_loss": 1 / t, "val_loss": _noisy(np.where(t < 30, 1, 1.5), sd=0.002)},
        "delayed-generalisation": {
            "train_error": 0.9 / t**2,
            "val_error": 0.9 / (1 + np.exp((t - 40) / 4)),
            "val_loss": 1 + 0 * t,
        },
    }


@pytest.mark.parametrize("code", _bank())
def test_a_log_of_each_kind_is_told_in_sentences(code):
    known = {"classes": 10, "validation_samples": 5000, "label_noise": 0.2 if code == "leak-suspicion" else None}
    answer = asked(_bank()[code], test=0.4 if code == "shift" else None, **known)
    assert code in answer.codes, answer
    assert len(answer.headline.split()) <= 20
    for text in (answer.headline, *(one.verdict for one in answer.findings), *answer.advice, *answer.limits):
        assert text[0].isupper() or text.startswith("'")
        assert text.endswith((".", "?"))
        assert not any(word in text for word in ("None", "nan", "{", "}", "undefined")), text
    jsonschema.validate(json.loads(json.dumps(answer.to_dict(), allow_nan=False)), json_schema())


def test_a_notebook_shows_the_headline_and_the_picture():
    answer = asked({"val_loss": _noisy(2 * EPOCHS**-0.5)})
    assert answer.headline in answer._repr_html_()
    assert "<svg" in answer._repr_html_()


def test_averaged_weights_are_drawn_beside_the_raw_ones():
    loss = 2 * EPOCHS**-0.5
    log = {"val_loss": loss, "val_error": loss / 9, "averaged_val_loss": 0.9 * loss, "averaged_val_error": loss / 10}
    display = asked(log).display
    assert isinstance(display, StackedDisplay)
    drawn = [
        {one.name: one.median for one in panel.series} for panel in display.panels if isinstance(panel, CurveDisplay)
    ]
    assert drawn[0]["averaged weights"] == pytest.approx(0.9 * loss)
    assert drawn[1]["averaged weights"] == pytest.approx(10 * loss)


def test_the_schema_refuses_what_is_none():
    answer = asked({"val_loss": [1.0, 0.9]}).to_dict()
    jsonschema.validate(answer, json_schema())
    for name in answer:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in answer.items() if key != name}, json_schema())


def test_several_runs_have_an_answer_each_and_seeds_one_together(tmp_path):
    rising = 0.5 + 1 / EPOCHS + 0.01 * EPOCHS
    for seed in range(3):
        rows = "\n".join(f"{k},{value}" for k, value in enumerate(_noisy(rising, sd=0.01, seed=seed), 1))
        (tmp_path / f"wide_seed{seed}.csv").write_text(f"epoch,val_loss\n{rows}\n", encoding="utf-8")
    answers = benign.triage(tmp_path, validation_samples=10_000)
    assert isinstance(answers, Triages)
    assert len(answers) == 4
    assert len(answers[0].origin.pooled) == 3
    assert all(one.state == "risen" for one in answers)
    pooled, *alone = (there(one.reading.noise).iterate_sd for one in answers)
    assert pooled < min(alone)
    assert asked(tmp_path, run="wide_seed1*").state == "risen"


def test_a_run_without_a_curve_is_left_out_and_said(tmp_path):
    for name, column in (("a", "val_loss"), ("b", "val_loss"), ("c", "lr")):
        rows = "".join(f"{k},{1 / k}\n" for k in range(1, 20))
        (tmp_path / f"{name}.csv").write_text(f"epoch,{column}\n{rows}", encoding="utf-8")
    with pytest.warns(UserWarning, match=r"Left out of 3 runs: 'c\.csv'\."):
        answers = benign.triage(tmp_path)
    assert isinstance(answers, Triages)
    assert [one.origin.run for one in answers] == ["a.csv", "b.csv"]
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.csv").unlink()
    with pytest.raises(BenignError):
        benign.triage(tmp_path)


def test_a_surface_needs_the_number_of_training_samples():
    log = {"val_loss": [1.0, 0.8, 0.9], "train_loss": [1.0, 0.5, 0.2]}
    surface = asked(log, train_samples=100).surface
    assert surface.curve("validation_loss", "time").values[0].tolist() == [1.0, 0.8, 0.9]
    with pytest.raises(InvalidArgument, match="train_samples"):
        _ = asked(log).surface


def test_the_picture_holds_the_recorded_values():
    log = {"val_loss": _noisy(2 * EPOCHS**-0.5), "val_error": _noisy(0.5 / EPOCHS), "lr": np.geomspace(1, 0.1, 60)}
    frame = asked(log).display.frame()
    recorded = frame[(frame["series"] == "recorded") & (frame["panel"] == "loss")]["median"].dropna()
    assert recorded.tolist() == log["val_loss"]
    assert set(frame["panel"]) == {"loss", "error, %", "learning rate"}


def test_probabilities_decide_what_a_temperature_gives_back():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 600)
    scores = random.normal(0, 1, (600, 3)) + 1.5 * np.eye(3)[labels]

    def softmax(sharpness):
        weights = np.exp(sharpness * scores)
        return weights / weights.sum(axis=1, keepdims=True)

    epochs = [softmax(0.3 + 0.3 * k) for k in range(12)]
    losses = [-float(np.log(rows[np.arange(600), labels]).mean()) for rows in epochs]
    answer = asked({"val_loss": losses}, validation_samples=600, probabilities=epochs, labels=labels)
    split = there(answer.reading.calibration)
    assert split.rise > 0.1
    assert abs(split.refinement_rise) < 0.01 * split.rise
    paired = [-np.log(rows[np.arange(600), labels]) for rows in (epochs[split.best], epochs[-1])]
    assert split.rise_se == pytest.approx((paired[1] - paired[0]).std(ddof=1) / 600**0.5)
    assert f"would not have risen; without, it rose by {split.rise:.3g}." in answer.findings[0].verdict


@pytest.mark.parametrize("order", ["benign.histories; benign.triage", "benign.triage; import benign.histories"])
def test_the_function_is_there_whatever_is_imported_first(order):
    first, second = order.split("; ")
    code = f"import benign; import {first}" if "histories" in first else f"import benign; {first}"
    code += f"; {second}; assert callable(benign.triage) and callable(benign.histories.triage)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_usual_log_needs_no_heavy_library():
    heavy = ("jax", "sklearn", "sqlalchemy", "xarray", "pandas", "scipy", "matplotlib", "pyarrow", "numba")
    code = (
        "import sys, benign; benign.triage({'val_loss': [1 / k for k in range(1, 40)]}); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_what_is_no_log_gets_a_sentence():
    for value in (3, object(), {}, [], {"loss": "text"}, None):
        with pytest.raises(BenignError, match=r"^[`'A-Z].*\.$"):
            benign.triage(value)
