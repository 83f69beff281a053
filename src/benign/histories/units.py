"""Errors and accuracies of a log as shares of wrong samples, whatever they were recorded in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import listed
from benign.foundation.wording import shown
from benign.histories.roles import Use, correction, words_of

_MOST_OF_A_SHARE = 1.5  # a share of samples is at most 1; a percentage hardly ever stays below this
_ROUNDING = 1e-6

Values = Float[np.ndarray, " points"]


def as_errors(recorded: Mapping[str, Values], uses: Mapping[str, Use]) -> tuple[dict[str, Values], list[str]]:
    r"""Errors between 0 and 1: $e = a / 100$ of a percentage, $e = 1 - a$ of an accuracy.

    Errors are in percent, all of them, if the largest exceeds 1.5: a small one may stay below. So are accuracies, but
    for one that never exceeds 1.

    Args:
        recorded: values as in the log, by the curve of the history.
        uses: the columns behind them, of the same curves.

    Returns:
        The errors, without those that are no share of anything, and a sentence on all that was changed or refused.
    """
    tops = {curve: _top(values) for curve, values in recorded.items()}
    in_percent = {curve: _is_percentage(curve, tops, uses) for curve in recorded}
    errors: dict[str, Values] = {}
    refusals = []
    for curve, values in recorded.items():
        shares = values / 100.0 if in_percent[curve] else values
        error = 1.0 - shares if _is_accuracy(uses[curve]) else shares
        if _is_share(error):
            errors[curve] = np.clip(error, 0.0, 1.0)
        else:
            refusals.append(_refusal(curve, uses[curve]))
    return errors, [*_notes(in_percent, uses), *refusals]


def _notes(in_percent: Mapping[str, bool], uses: Mapping[str, Use]) -> list[str]:
    percentages = [uses[curve].name for curve, is_percentage in in_percent.items() if is_percentage]
    if not percentages:
        return []
    shares = [uses[curve].name for curve, is_percentage in in_percent.items() if not is_percentage]
    beside = f", but {listed(shares)} as a share of 1, which it never exceeds" if shares else ""
    errors = [curve for curve in in_percent if in_percent[curve] and not _is_accuracy(uses[curve])]
    doubt = ""
    if errors:
        loss = correction(errors[0].replace("_error", "_loss"), uses[errors[0]].name)
        doubt = f"; say {loss} if it is no share of samples"
    return [f"Read in percent, since values exceed {_MOST_OF_A_SHARE}: {listed(percentages)}{beside}{doubt}."]


def _is_percentage(curve: str, tops: Mapping[str, float], uses: Mapping[str, Use]) -> bool:
    kind = _is_accuracy(uses[curve])
    highest = max(top for twin, top in tops.items() if _is_accuracy(uses[twin]) == kind)
    return _MOST_OF_A_SHARE < highest <= 100.0 * (1.0 + _ROUNDING) and not (kind and tops[curve] <= 1.0)


def _is_accuracy(use: Use) -> bool:
    return use.role.quantity == "accuracy"


def _top(values: Values) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else 0.0


def _is_share(error: Values) -> bool:
    finite = error[np.isfinite(error)]
    return not finite.size or bool(finite.min() >= -_ROUNDING and finite.max() <= 1.0 + _ROUNDING)


def _refusal(curve: str, use: Use) -> str:
    values = use.columns[0].values[np.isfinite(use.columns[0].values)]
    loss = curve.replace("_error", "_loss")
    return (
        f"{shown(use.name)} lies between {values.min():g} and {values.max():g}, which is no share of samples: not used "
        f"as the {words_of(curve)}; say {correction(loss, use.name)} if it is a loss."
    )
