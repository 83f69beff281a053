"""Columns that differ from one value in a few rows only: what a model does there may decide the loss of them all.

A dark pixel, or a category that two rows have: another training set has it in other rows, or in none, and least squares
then answers anything. Neither a part of the rows nor a synthetic twin has the rows that more data would bring.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benign.diagnosis.answers import Metric
from benign.diagnosis.paired_trials import Comparison
from benign.diagnosis.trials.bench import Bench
from benign.foundation.split import Split

_FEW_ROWS, _FEW = 2, 0.02  # rows, and share of them, that are few
_MANY = 0.05  # of the columns
_CAUTION = 2.0  # times as far off as the model is from a constant, in logarithms


def doubt(bench: Bench, comparisons: Sequence[Comparison], metric: Metric) -> float:
    """The variance that they add to a log ratio of losses, by how much the model is worse than a constant.

    A model that a few rows can spoil shows it: its loss on new samples is a multiple of the best constant's.
    """
    if metric == "error" or not (_is_sized_by_columns(bench) and has_rare_columns(bench.split())):
        return 0.0
    trials = [arm.trial for each in comparisons for arm in each.before]
    found = [one for one in bench.measure(trials) if one is not None and one.train_loss_constant > 0.0]
    ratios = [float(one.held_out_loss[-1]) / one.train_loss_constant for one in found]
    return (_CAUTION * math.log(max(1.0, *ratios))) ** 2 if ratios else 0.0


def _is_sized_by_columns(bench: Bench) -> bool:
    """Whether its size ends at the number of input columns: features of its own would mix these."""
    parameter = bench.subject.size_parameter
    return parameter is not None and parameter.largest == bench.subject.columns


def has_rare_columns(split: Split) -> bool:
    """Whether many columns of the training rows have one value but in a few rows."""
    rows = split.train_inputs
    usual = np.sort(rows, axis=0)[len(rows) // 2]
    others = (rows != usual).sum(axis=0)
    is_rare = (others > 0) & (others <= max(_FEW_ROWS, _FEW * len(rows)))
    return bool(is_rare.mean() >= _MANY)
