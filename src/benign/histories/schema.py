"""The JSON that `benign triage --json` prints, as a JSON Schema: what a program may rely on."""

from __future__ import annotations

from typing import Any, get_args

from benign.foundation.json_values import or_null, record
from benign.histories.finding import CODES
from benign.histories.log import Axis
from benign.histories.rise import StateName

_NUMBER = {"type": ["number", "null"]}
_COUNT = {"type": ["integer", "null"]}
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_TRUTH = {"type": "boolean"}
SCHEMA = "benign.triage/1"


def json_schema() -> dict[str, Any]:
    """The schema of the answer to one run; of several, ``{"runs": [...]}`` holds one each.

    Further keys may come; those here stay until the number in ``schema`` changes.

    >>> json_schema()["properties"]["schema"]
    {'const': 'benign.triage/1'}
    """
    landmark = record(
        place=_COUNT, time=_NUMBER, value=_NUMBER, low=_NUMBER, high=_NUMBER, earliest=_NUMBER, latest=_NUMBER
    )
    counted = record(came=_COUNT, of=_COUNT)
    odds = record(probability=_NUMBER, answer={"type": ["boolean", "null"]}, comparable=or_null(counted))
    answer = record(
        schema={"const": SCHEMA},
        source=record(
            run=_TEXT, format=_TEXT, path=_TEXT, pooled=_TEXTS, axis={"enum": list(get_args(Axis))},
            columns={"type": "object", "additionalProperties": _TEXT},
        ),
        given=record(
            train_samples=_COUNT, validation_samples=_COUNT, classes=_COUNT, label_noise=_NUMBER, test_score=_NUMBER
        ),
        headline=_TEXT,
        state=record(name={"enum": list(get_args(StateName))}, p=_NUMBER, deciding_samples=_COUNT),
        points=_COUNT,
        noise=or_null(_noise()),
        rise=or_null(record(log=_NUMBER, se=_NUMBER, p=_NUMBER, gain=_NUMBER, lowest=_COUNT, end=_NUMBER)),
        error=or_null(_error()),
        landmarks=or_null(
            record(best=landmark, peak=or_null(landmark), second_best=or_null(landmark), last=landmark)
        ),
        overconfidence=or_null(
            record(bound=_NUMBER, error=_NUMBER, certified_nats=_NUMBER, certified_share=_NUMBER)
        ),
        forecast={"type": "object", "propertyNames": {"enum": ["2", "5", "10"]}, "additionalProperties": odds},
        findings={"type": "array", "items": _finding()},
        advice=_TEXTS,
        limits=_TEXTS,
    )  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "benign triage", **answer}


def _noise() -> dict[str, Any]:
    return record(
        iterate_sd=_NUMBER, window=_COUNT, level_sd=_NUMBER, base=_NUMBER, growth=_NUMBER, validation_samples=_COUNT,
        samples_told=_TRUTH, refused={"enum": ["", "rounded", "smoothed"]}, step=_NUMBER, paired_se=_NUMBER,
        rise_tolerance=_NUMBER, gain_tolerance=_NUMBER,
    )  # fmt: skip


def _error() -> dict[str, Any]:
    return record(
        rise=_NUMBER, se=_NUMBER, p=_NUMBER, answer={"enum": ["up", "not up", "undecided"]}, lowest=_NUMBER,
        end=_NUMBER, lowest_time=_NUMBER, matters=_NUMBER, validation_samples=_COUNT,
    )  # fmt: skip


def _finding() -> dict[str, Any]:
    return record(
        code={"enum": list(CODES)},
        verdict=_TEXT,
        evidence={"type": "object", "additionalProperties": _NUMBER},
        excluded=_TEXTS,
        confidence=_NUMBER,
        next=or_null(record(experiment=_TEXT, cost=_TEXT, decides=_TEXT)),
        against_best={"enum": ["", "below", "to", "above"]},
        explained_by={"enum": ["", "restart", "learning-rate", "train-rise"]},
    )
