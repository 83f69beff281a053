"""Odd logs, asked as a user would: nothing wrong is said in the voice of a fact, and no alarm is false."""

import numpy as np
import pytest

import benign
from benign.foundation.errors import InvalidArgument
from benign.histories import Triage

EPOCHS = np.arange(1, 61)
RISEN = 0.5 + 1 / EPOCHS + 0.02 * EPOCHS


def _triage(log, **known):
    answer = benign.triage(log, **known)
    assert isinstance(answer, Triage)
    return answer


def _told(answer):
    return " ".join([answer.headline, *(one.verdict for one in answer.findings), *answer.advice, *answer.limits])


def test_a_score_that_should_rise_falls_where_it_gets_worse():
    told = _told(_triage({"val_r2": 0.7 - 0.9 / EPOCHS - 0.004 * EPOCHS}))
    assert "val_r2 has fallen since" in told
    assert "has not risen again; no odds" in told
    assert "if the odds" not in told
    assert "what happens on new data is not seen" not in told


def test_a_second_descent_of_a_score_is_told_the_right_way_round():
    bump = np.exp(-(((EPOCHS - 25) / 6) ** 2))
    answer = _triage({"val_f1": 0.9 - 0.5 * np.exp(-EPOCHS / 5) - 0.4 * bump + 0.002 * EPOCHS})
    finding = next(one for one in answer.findings if one.code == "second-descent")
    assert "val_f1 rose to" in finding.verdict
    assert "above its earlier best" in finding.verdict
    assert "above its earlier best" in answer.headline


def test_an_error_alone_that_rises_is_over_fitting_of_the_error():
    answer = _triage({"val_error": 0.1 + 0.2 / EPOCHS + 0.004 * EPOCHS}, validation_samples=10_000)
    assert answer.codes[0] == "overfitting"
    assert "the error has risen since" in answer.headline
    assert "loss" not in answer.headline + answer.findings[0].verdict


@pytest.mark.parametrize("level", [0.6931, 0.0, 3.0])
def test_a_constant_curve_is_a_plateau_and_no_alarm(level):
    answer = _triage({"loss": [level] * 60, "val_loss": [level] * 60})
    assert answer.state == "plateau"
    assert not {"instability", "divergence", "erratic", "overfitting"} & set(answer.codes)
    assert "at every evaluation: nothing is learned, or it is not measured anew" in _told(answer)


def test_losses_of_players_are_not_added_nor_judged():
    log = {"d_loss": 1.3 + 0 * EPOCHS, "g_loss": 0.8 + 0.02 * EPOCHS, "fid": 200 / EPOCHS}
    with pytest.raises(InvalidArgument, match="play against each other"):
        benign.triage(log)
    assert _triage(log, columns={"val_fid": "fid"}).state in {"improving", "plateau", "undecided"}


def test_a_negative_loss_gets_no_odds():
    answer = _triage({"loss": 1 / EPOCHS - 3, "val_loss": RISEN - 3})
    assert (answer.state, answer.forecast) == ("risen", {})
    assert "no odds" in _told(answer)
    assert "moments of other networks" not in _told(answer)


def test_a_file_that_counts_timesteps_counts_steps(tmp_path):
    rows = "".join(f"{1000 * k},{k - 200}\n" for k in EPOCHS)
    (tmp_path / "rl.csv").write_text(f"timesteps,eval/mean_reward\n{rows}", encoding="utf-8")
    assert "step 60,000" in _told(_triage(tmp_path / "rl.csv"))


def test_two_columns_of_one_name_are_both_told(tmp_path):
    rows = "".join(f"{k},{RISEN[k - 1]},{2 * RISEN[k - 1]}\n" for k in EPOCHS)
    (tmp_path / "twice.csv").write_text(f"epoch,val_loss,val_loss\n{rows}", encoding="utf-8")
    answer = _triage(tmp_path / "twice.csv")
    assert answer.roles == {"val_loss": "validation loss; another of the same name: not used"}
    assert "has 2 columns 'val_loss'" in answer.limits[0]


def test_one_evaluation_at_the_end_that_is_not_finite_is_no_divergence_while_training_is():
    losses = np.append(1 / EPOCHS[:-1], np.nan)
    answer = _triage({"epoch": EPOCHS, "loss": 1 / EPOCHS, "val_loss": losses})
    assert "divergence" not in answer.codes
    assert any("not finite at epoch 60, the last" in finding.verdict for finding in answer.findings)
    both = _triage({"epoch": EPOCHS, "loss": losses, "val_loss": losses})
    assert (both.state, both.codes[0]) == ("diverged", "divergence")


def test_a_loss_that_was_once_not_finite_is_not_said_to_have_risen():
    plateau = np.where(EPOCHS == 21, np.inf, 1 + np.exp(-EPOCHS / 3))
    answer = _triage({"epoch": EPOCHS, "loss": 1 + np.exp(-EPOCHS / 3), "val_loss": plateau})
    assert "instability" in answer.codes
    assert "rose for a while" not in _told(answer)


def test_an_error_that_is_none_says_why_it_is_not_read():
    with pytest.raises(InvalidArgument, match="no share of samples"):
        benign.triage({"val_error": 1.2 / EPOCHS**0.3})


def test_steps_that_stand_still_count_nothing(tmp_path):
    rows = "".join(f"0,{RISEN[k - 1]}\n" for k in EPOCHS)
    (tmp_path / "log.csv").write_text(f"step,val_loss\n{rows}", encoding="utf-8")
    assert _triage(tmp_path / "log.csv").reading.points == 60
