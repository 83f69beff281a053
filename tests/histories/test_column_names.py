"""Names of columns: what they say, and that no name is guessed over."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.column_names import is_per_step, is_plain, role_of, without_samples
from benign.histories.role import Role

TABLE = list(csv.DictReader((Path(__file__).parent / "column_names.csv").read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", TABLE, ids=[row["name"] for row in TABLE])
def test_a_name_of_a_tool_is_mapped_right(row):
    assert role_of(row["name"]) == Role(
        samples=row["samples"],
        quantity=row["quantity"],
        higher_is_better=row["higher_is_better"] == "yes",
        averaged=row["averaged"] == "yes",
    )


def test_the_table_is_as_long_as_it_says():
    names = [row["name"] for row in TABLE]
    assert len(set(names)) == len(names) >= 110


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "foo", "val", "train", "l2", "train_val_loss", "val/test_loss", "loss1", "loss_2", "val_loss2",
        "train_score_", "ema_loss", "train_loss_ema", "ema_fg_dice", "val_loss_gap", "train_loss_ratio", "foo_loss",
        "val_foo_accuracy", "val_acc_loss", "lr_scale", "lr_find_loss", "loss_vs_time", "neg_accuracy", "elbo",
        "\N{GREEK SMALL LETTER LAMDA}", "a" * 100_000, "val_wer_bleu",
        "cost", "total_cost", "loss_b", "val_loss_small", "label_loss",
    ],
)  # fmt: skip
def test_an_unknown_or_ambiguous_name_is_not_guessed(name):
    assert role_of(name) is None


@pytest.mark.parametrize("separator", ["_", "/", ".", "-", " ", ":"])
def test_a_split_may_stand_before_or_behind(separator):
    for split, word in itertools.product(["val", "valid", "validation", "eval", "dev"], ["loss", "acc", "err"]):
        before, behind = role_of(f"{split}{separator}{word}"), role_of(f"{word}{separator}{split}".upper())
        assert before == behind == role_of(f"{split}{word.title()}")
        assert before is not None
        assert before.samples == "validation"


@given(st.text(max_size=40))
def test_any_text_is_taken_and_its_role_is_lawful(name):
    role = role_of(name)
    if role is not None:
        assert role.higher_is_better or role.quantity != "accuracy"
        assert not (role.quantity in ("other", "learning rate", "gradient norm") and role.samples)
        assert not role.averaged or role.samples in ("validation", "test")


def test_a_loss_called_so_goes_before_one_called_by_its_function():
    assert [is_plain(name) for name in ("val_loss", "val_mse", "valid_nll_loss")] == [True, False, False]


def test_a_value_of_one_batch_is_told_by_its_name():
    assert [is_per_step(name) for name in ("train_loss_step", "train_loss_epoch")] == [True, False]


def test_twins_share_the_words_but_the_samples():
    assert without_samples("accuracy") == without_samples("val_accuracy") == without_samples("accuracy/train")
    assert without_samples("accuracy") != without_samples("val_loss")


@pytest.mark.parametrize("name", ["data_loss", "pixel_loss", "value_loss", "generator_loss", "loss_D", "val_dice_loss"])
def test_a_term_is_no_total(name):
    role = role_of(name)
    assert role is not None
    assert role.quantity == "part of the loss"


def test_a_value_of_the_loss_is_no_value_function():
    assert role_of("loss/value") == role_of("loss")
