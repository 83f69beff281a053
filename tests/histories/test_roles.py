"""Which column fills which curve, what is asked, and what the user may say."""

from __future__ import annotations

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument, UnknownName
from benign.histories.log import Log
from benign.histories.role import Role
from benign.histories.roles import SPOKEN, assigned, correction, words_of
from tests.histories.columns import column, log_of

CURVE: list[float] = [3.0, 2.0, 1.0, 1.5]
OTHER = [3.5, 2.5, 1.5, 2.0]
SPARSE: tuple[list[float], list[float]] = ([2.0, 4.0], [0.5, 0.25])


def _uses(log: Log, **columns: str) -> dict[str, str]:
    return {curve: use.name for curve, use in assigned(log, columns=columns or None).uses.items()}


def test_keras_training_curves_have_no_word_for_their_samples():
    found = assigned(log_of(loss=CURVE, accuracy=CURVE, val_loss=CURVE, val_accuracy=CURVE, learning_rate=CURVE))
    assert {curve: use.name for curve, use in found.uses.items()} == {
        "train_loss": "loss",
        "train_error": "accuracy",
        "validation_loss": "val_loss",
        "validation_error": "val_accuracy",
        "learning_rate": "learning_rate",
    }
    assert (found.questions, found.notes, found.unused) == ((), (), ())


def test_two_columns_with_one_claim_are_asked_about():
    found = assigned(log_of(val_loss=CURVE, eval_loss=OTHER, train_loss=CURVE))
    assert found.uses["validation_loss"].name == "val_loss"
    assert "".join(found.questions) == (
        "Both 'val_loss' and 'eval_loss' could be the validation loss; took 'val_loss': say --columns "
        "val_loss=eval_loss for the other."
    )
    assert found.unused == ("eval_loss",)


def test_an_accuracy_is_asked_about_as_an_accuracy():
    (question,) = assigned(log_of(val_loss=CURVE, val_acc=CURVE, eval_acc=OTHER)).questions
    assert question.endswith("say --columns val_accuracy=eval_acc for the other.")


def test_one_curve_under_two_names_is_no_question():
    assert not assigned(log_of(val_acc=CURVE, val_accuracy=CURVE, val_loss=CURVE)).questions


def test_of_two_claims_the_one_with_more_values_is_taken():
    assert _uses(log_of(val_loss=SPARSE, eval_loss=CURVE)) == {"validation_loss": "eval_loss"}


def test_three_claims_are_one_question():
    (question,) = assigned(log_of(val_loss=CURVE, eval_loss=OTHER, dev_loss=OTHER)).questions
    assert question.startswith("Each of 'val_loss', 'eval_loss' and 'dev_loss' could be")


def test_columns_of_one_name_are_a_question():
    log = Log(format="CSV", columns=(column("val_loss", SPARSE), column("val_loss", CURVE)))
    found = assigned(log)
    assert found.uses["validation_loss"].columns[0].values.tolist() == CURVE
    assert "2 columns 'val_loss'" in found.questions[0]


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["train_loss_step", "train_loss_epoch"], "train_loss_epoch"),
        (["val_mse", "val_loss"], "val_loss"),
        (["valid_nll_loss", "valid_loss"], "valid_loss"),
        (["val_accuracy", "val_error"], "val_error"),
        (["evaluation_loss_vs_iterations", "validation/epoch_loss"], "validation/epoch_loss"),
    ],
)
def test_some_claims_go_before_others_without_a_question(names, taken):
    for ordered in (names, names[::-1]):
        found = assigned(log_of(dict.fromkeys(ordered, CURVE)))
        assert [use.name for use in found.uses.values()] == [taken]
        assert not found.questions


def test_values_of_batches_are_left_with_a_word():
    found = assigned(log_of(train_loss_step=CURVE, train_loss_epoch=SPARSE, val_loss=SPARSE))
    assert found.notes == (
        "'train_loss_step' was recorded for single batches; the training loss is 'train_loss_epoch'.",
    )


def test_the_format_goes_before_the_name():
    roles = {"validation_0-logloss": SPOKEN["train_loss"]}
    curves = {"validation_0-logloss": OTHER, "validation_1-logloss": CURVE}
    assert _uses(log_of(curves, roles=roles)) == {
        "train_loss": "validation_0-logloss",
        "validation_loss": "validation_1-logloss",
    }
    found = assigned(log_of(curves))
    assert found.uses["validation_loss"].name == "validation_1-logloss"
    assert len(found.questions) == 1


def test_the_user_goes_before_the_format_and_the_name():
    log = log_of(foo=CURVE, val_loss=CURVE, roles={"foo": SPOKEN["train_loss"]})
    assert _uses(log, val_loss="foo") == {"validation_loss": "foo"}
    assert not assigned(log, columns={"val_loss": "foo"}).questions


def test_a_users_key_may_be_any_name_that_means_the_same():
    assert _uses(log_of(foo=CURVE), validation_loss="foo") == {"validation_loss": "foo"}
    assert _uses(log_of(foo=CURVE), loss="foo") == {"train_loss": "foo"}
    assert _uses(log_of(foo=CURVE), ema_val_acc="foo") == {"averaged_error": "foo"}
    found = assigned(log_of(foo=CURVE, val_loss=CURVE), columns={"val_wer": "foo"})
    assert [(use.name, use.role.higher_is_better) for use in found.metrics] == [("foo", False)]


def test_every_spoken_role_fills_something():
    for key, role in SPOKEN.items():
        found = assigned(log_of(foo=CURVE, val_loss=CURVE, val_error=CURVE), columns={key: "foo"})
        assert role in [use.role for use in (*found.uses.values(), *found.metrics) if use.name == "foo"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"val_los": "foo"}, "unknown role of a column 'val_los'; did you mean 'val_loss'"),
        ({"val_loss": "fooo"}, "unknown column 'fooo'; did you mean 'foo'"),
        ({3: "foo"}, "unknown role of a column 3"),
        ({"val_loss": 3}, "unknown column 3"),
        ({"epoch": "foo"}, "unknown role of a column 'epoch'"),
        ({"\x1b[31m": "foo"}, r"unknown role of a column '\x1b[31m'"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_the_user_says_wrong_gets_a_sentence(columns, words):
    with pytest.raises(UnknownName) as caught:
        assigned(log_of(foo=CURVE, bar=CURVE), columns=columns)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("columns", "words"),
    [("val_loss=foo", "must map"), ({"val_loss": "foo", "train_loss": "foo"}, "two things of 'foo'")],
)
@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_meant_gets_a_sentence(columns, words):
    with pytest.raises(InvalidArgument, match=words):
        assigned(log_of(foo=CURVE), columns=columns)


def test_the_only_loss_is_of_training_and_that_is_said():
    found = assigned(log_of(loss=CURVE))
    assert found.uses.keys() == {"train_loss"}
    assert "".join(found.questions) == (
        "No word of 'loss' says the samples: taken as of training; say --columns val_loss=loss if of validation."
    )


def test_fastai_names_the_losses_alone():
    found = assigned(log_of(train_loss=CURVE, valid_loss=CURVE, accuracy=CURVE))
    assert found.uses["validation_error"].name == "accuracy"
    assert "".join(found.questions) == (
        "No word of 'accuracy' says the samples: taken as of validation; say --columns train_accuracy=accuracy if of "
        "training."
    )


def test_what_is_recorded_seldom_is_of_validation():
    found = assigned(log_of({"loss": CURVE, "accuracy/top1": SPARSE, "coco/bbox_mAP": SPARSE, "acc": CURVE}))
    assert {curve: use.name for curve, use in found.uses.items()} == {
        "train_loss": "loss",
        "validation_error": "accuracy/top1",
        "train_error": "acc",
    }
    assert [use.name for use in found.metrics] == ["coco/bbox_mAP"]


def test_a_loss_of_no_samples_is_left_beside_a_training_loss():
    found = assigned(log_of(loss=CURVE, train_loss=CURVE, val_loss=CURVE))
    assert found.unused == ("loss",)


def test_a_summary_of_one_value_is_no_curve():
    assert _uses(log_of(loss=CURVE, train_loss=([4.0], [1.0]), eval_loss=CURVE))["train_loss"] == "loss"


def test_parts_are_added_only_where_no_total_is():
    parts = {"val/box_loss": CURVE, "val/cls_loss": CURVE}
    found = assigned(log_of(parts))
    assert found.uses["validation_loss"].name == "val/box_loss + val/cls_loss"
    assert found.notes == ("The validation loss is the sum of its parts 'val/box_loss' and 'val/cls_loss'.",)
    assert _uses(log_of(parts, val_loss=CURVE)) == {"validation_loss": "val_loss"}


def test_parts_at_different_places_are_not_added():
    found = assigned(log_of({"val/box_loss": CURVE, "val/cls_loss": SPARSE}))
    assert "validation_loss" not in found.uses
    assert "different places" in found.questions[0]


def test_a_part_alone_stands_for_the_whole():
    assert "stands for the whole" in assigned(log_of(val_dice_loss=CURVE)).notes[0]


def test_a_loss_by_its_function_may_be_a_part():
    log = log_of(val_mse_loss=CURVE, val_kl_loss=CURVE)
    assert "or a part of it" in assigned(log).questions[0]
    assert not assigned(log, columns={"val_loss": "val_mse_loss"}).questions


def test_a_test_set_stands_in_for_validation_with_a_question():
    found = assigned(log_of(train_loss=CURVE, test_loss=CURVE, test_acc=CURVE))
    assert {curve: use.name for curve, use in found.uses.items()} == {
        "train_loss": "train_loss",
        "validation_loss": "test_loss",
        "validation_error": "test_acc",
    }
    assert "no test score left" in found.questions[0]
    assert _uses(log_of(val_loss=CURVE, test_loss=CURVE))["test_loss"] == "test_loss"


def test_groups_of_parameters_have_one_rate_each():
    found = assigned(log_of({"lr/pg0": CURVE, "lr/pg1": CURVE, "val_loss": CURVE}))
    assert found.uses["learning_rate"].name == "lr/pg0"
    assert not found.questions


def test_a_column_without_values_claims_nothing():
    assert _uses(log_of(val_loss=([], []), eval_loss=CURVE)) == {"validation_loss": "eval_loss"}


def test_metrics_of_validation_are_kept_apart():
    found = assigned(log_of(val_loss=CURVE, val_f1=CURVE, val_perplexity=CURVE, train_f1=CURVE))
    assert [(use.name, use.role.higher_is_better) for use in found.metrics] == [
        ("val_f1", True),
        ("val_perplexity", False),
    ]


def test_hostile_names_are_escaped_wherever_they_stand():
    name = "val_loss \x1b[2J\n--fail"
    found = assigned(log_of({name: CURVE, "val_loss": CURVE}), columns={"val_accuracy": name})
    assert found.uses["validation_error"].name == name
    question = assigned(log_of({"val\x1bloss": OTHER, "val_loss": CURVE})).questions[0]
    assert question.isprintable()
    assert "'val_loss=val\\x1bloss'" in question or "'val\\x1bloss'" in question


def test_what_to_type_can_be_typed():
    assert correction("averaged_error", "a b") == "--columns 'averaged_error=a b'"
    assert correction("learning_rate", "x/lr0") == "--columns lr=x/lr0"
    assert words_of("train_error") == "training error"


def test_thousands_of_columns_take_no_time():
    curves = {f"layer{number}/loss": np.ones(2) for number in range(2000)}
    assert _uses(log_of(curves, val_loss=CURVE)) == {"validation_loss": "val_loss"}


def test_roles_of_the_format_may_have_no_samples():
    roles = {"objective": Role(samples="", quantity="loss")}
    assert _uses(log_of(objective=CURVE, val_loss=CURVE, roles=roles))["train_loss"] == "objective"
