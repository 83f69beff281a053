"""The JSON that `benign diagnose --json` prints, as a JSON Schema: what a program may rely on."""

from __future__ import annotations

from typing import Any, get_args

from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import ANSWERS, SCHEMA, Metric
from benign.diagnosis.verdict import Verdict
from benign.foundation.json_values import or_null, record

_NUMBER = {"type": ["number", "null"]}
_COUNT = {"type": "integer"}
_TEXT = {"type": "string"}
_TRUTH = {"type": "boolean"}
_NUMBERS = {"type": "array", "items": _NUMBER}
_TEXTS = {"type": "array", "items": _TEXT}
_ESTIMATE = record(value=_NUMBER, interval={"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2})
_METRIC = {"enum": list(get_args(Metric))}


def json_schema() -> dict[str, Any]:
    """The schema of a diagnosis; parts that the budget did not reach are null or empty.

    Further keys may come; those here stay until the number in ``schema`` changes.

    >>> json_schema()["properties"]["schema"]
    {'const': 'benign.diagnosis/1'}
    """
    answers = {"type": "object", "additionalProperties": {"$ref": "#/$defs/answer"}}
    fitted = record(
        criterion=_METRIC, is_fitted={"type": ["boolean", "null"]}, risk=_ESTIMATE, tolerance=_NUMBER,
        is_minimised=_TRUTH, sentence=_TEXT,
    )  # fmt: skip
    finding = record(code=_TEXT, sentence=_TEXT, refuses={"type": "array", "items": {"enum": list(ANSWERS)}})
    whole = record(
        schema={"const": SCHEMA}, headline=_TEXT, sentence=_TEXT, codes=_TEXTS, model=_TEXT, source=_TEXT,
        samples=_COUNT, size=_NUMBER, size_name=_TEXT, time=_NUMBER, time_name=_TEXT, inferred=_TEXTS,
        standing=or_null(_standing(finding)), fitted={"type": "object", "additionalProperties": fitted},
        regime=or_null(_regime()), emc={"type": ["object", "null"]}, more_data=answers, bigger=answers, longer=answers,
        remedies={"type": "array", "items": _remedy()}, noise_slope=or_null(_noise_slope()),
        findings={"type": "array", "items": finding}, curves={"type": "array", "items": _curve()},
        unanswered={"type": "object", "propertyNames": {"enum": list(ANSWERS)}, "additionalProperties": _TEXT},
        failures={"type": "object", "additionalProperties": _COUNT},
        confidence=_NUMBER, minutes=_NUMBER, trainings=_NUMBER, seconds_per_training=_NUMBER,
        is_budget_spent=_TRUTH, is_interrupted=_TRUTH,
    )  # fmt: skip
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, "title": "benign diagnose", "$defs": {"answer": _answer()}, **whole}


def _standing(finding: dict[str, Any]) -> dict[str, Any]:
    return record(
        objective=_TEXT, train_loss=_NUMBER, train_loss_constant=_NUMBER, train_error=_NUMBER,
        train_error_constant=_NUMBER, held_out_loss=_ESTIMATE, held_out_loss_constant=_NUMBER,
        held_out_error=_ESTIMATE, held_out_error_constant=_NUMBER, out_of_bag_error=_NUMBER,
        held_out_samples=_COUNT, trainings=_COUNT, seconds=_NUMBER,
        findings={"type": "array", "items": finding}, sentence=_TEXT,
    )  # fmt: skip


def _regime() -> dict[str, Any]:
    peak = record(
        axis=_TEXT, position=_NUMBER, interval=_NUMBERS, metric=_METRIC, height=_NUMBER, sentence=_TEXT
    )  # fmt: skip
    return record(
        regime={"enum": [one.name.lower() for one in Regime]}, ratio=_ESTIMATE, peak=or_null(peak), decided_by=_TEXT,
        would_decide=_TEXT, sentence=_TEXT,
    )  # fmt: skip


def _answer() -> dict[str, Any]:
    return record(
        question=_TEXT, factor=_NUMBER, metric=_METRIC, answer={"enum": [one.value for one in Verdict]},
        confidence=_NUMBER, change=_ESTIMATE, method=_TEXT, reason=_TEXT,
        evidence={"type": "object", "additionalProperties": _NUMBER},
        error=or_null({"$ref": "#/$defs/answer"}),
    )  # fmt: skip


def _remedy() -> dict[str, Any]:
    answer = {"$ref": "#/$defs/answer"}
    return record(kind=_TEXT, what=_TEXT, settings={"type": "object"}, answer=answer, fits_less=_TRUTH)


def _noise_slope() -> dict[str, Any]:
    return record(
        error=_ESTIMATE, loss=_ESTIMATE, levels=_NUMBERS, is_fitted=_TRUTH, exponent=_ESTIMATE,
        samples={"type": "array", "items": _COUNT}, sentence=_TEXT,
    )  # fmt: skip


def _curve() -> dict[str, Any]:
    estimates = {"type": "array", "items": _ESTIMATE}
    return record(
        axis={"enum": ["samples", "size", "time"]}, positions=_NUMBERS, samples=_NUMBER, train_loss=estimates,
        held_out_loss=estimates, held_out_error=estimates, trainings={"type": "array", "items": _COUNT},
    )  # fmt: skip
