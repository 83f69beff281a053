"""How long a diagnosis of each of the twenty models takes at all rows of its table, and what it says: time_models.json.

    python benchmarks/diagnosis/time_models.py               # all, about 15 minutes on two cores
    python benchmarks/diagnosis/time_models.py forest ridge  # these anew

As a user runs it: the model and the data, nothing else but which parameter is the size. The first three answers are
timed apart; each is held against models.json.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import sklearn
from diagnosis.model_truth import abstentions, contradictions, source_of, truth_of
from diagnosis.models import MODELS
from machine import describe

import benign
from benign.diagnosis.answers import Answer, Diagnosis
from benign.foundation.errors import BenignError

OUTPUT = Path(__file__).with_name("time_models.json")
GOALS = {"first three": 20.0, "all": 60.0}


def timed(name: str) -> dict[str, object]:
    """One diagnosis: seconds until the third answer and until the end, what was said, and what of it is not so."""
    model, moments = MODELS[name], dict[str, float]()
    source, start = source_of(model.table), time.perf_counter()

    def told(part: str, _: Diagnosis) -> None:
        moments[part] = time.perf_counter() - start

    truth = truth_of(name, source.max_samples)
    try:
        found = benign.diagnose(model.estimator, source, size_parameter=model.size, on_answer=told)
    except BenignError as refusal:
        seconds = round(time.perf_counter() - start, 2)
        return {"seconds": {"all": seconds}, "refused": str(refusal), "wrong": [str(refusal)] * truth.is_trainable}
    return {
        "samples": found.samples,
        "seconds": {
            "first three": round(moments["regime"], 2),
            "all": round(time.perf_counter() - start, 2),
            "one training": round(found.seconds_per_training, 4),
        },
        "trainings": round(found.trainings, 1),
        "wrong": contradictions(found, truth),
        "abstains": abstentions(found, truth),
        "said": said(found),
    }


def said(found: Diagnosis) -> dict[str, object]:
    """The answers, without what they rest on."""
    changes: dict[str, Mapping[float, Answer]] = {
        "more_data": found.more_data,
        "bigger": found.bigger,
        "longer": found.longer,
    }
    return {
        "fitted": {criterion: one.is_fitted for criterion, one in found.fitted.items()},
        "regime": "" if found.regime is None else found.regime.regime.name,
        **{
            question: {
                f"{factor:g}": [str(one.answer), None if math.isnan(one.confidence) else round(one.confidence, 3)]
                for factor, one in answers.items()
            }
            for question, answers in changes.items()
        },
        "remedies": {one.what: str(one.answer.answer) for one in found.remedies},
        "unanswered": dict(found.unanswered),
    }


def main() -> None:
    """Time those named, or all; writes after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *MODELS], metavar="MODEL")
    names = parser.parse_args().models or list(MODELS)
    result: dict[str, Any] = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    warnings.simplefilter("ignore")
    for name in names:
        machine = {**describe(), "scikit-learn": sklearn.__version__, "date": datetime.now(UTC).date().isoformat()}
        result[name] = {**timed(name), "machine": machine}
        seconds = result[name]["seconds"]  # a budget is obeyed to within one training
        late = [
            part for part, goal in GOALS.items() if seconds.get(part, 0.0) > goal + seconds.get("one training", 0.0)
        ]
        print(name, json.dumps(seconds), "LATE" * bool(late), *result[name]["wrong"], flush=True)
        OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
