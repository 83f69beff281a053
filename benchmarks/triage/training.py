"""A training of known truth: its curves on a validation set and on the population, and what is known of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float

Curve = Float[np.ndarray, " points"]
Half = Literal["development", "untouched"]

CURVES = (
    # What a log may hold. Without a prefix training is measured at the end of an epoch, in evaluation mode.
    "train_loss", "train_error", "running_train_loss", "running_train_error", "val_loss", "val_error",
    "averaged_val_loss", "averaged_val_error", "learning_rate", "gradient_norm",
    # The truth: thousands of further samples, or exact.
    "population_loss", "population_error", "averaged_population_loss", "averaged_population_error",
    # What the best temperature leaves of the population loss.
    "calibrated_population_loss",
    # What a recorder could add: candidates for better odds.
    "kept_train_error", "flipped_train_error", "averaged_train_loss", "worst_share", "median_loss", "margin_low",
    "margin_median", "weight_norm",
)  # fmt: skip
"""
kept_train_error, flipped_train_error: of training samples whose label was kept, was replaced (against the new one).
worst_share: the share of the validation loss that the worst 5 % of its samples hold; median_loss: of its samples.
margin_low, margin_median: the 5 % and 50 % quantiles of the training samples' margins (logit of the label less the
largest other one).
"""

_BITS_KEPT = 15  # of the 23 of a float32's mantissa: a relative precision of 1.5e-5


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """One training, whole.

    Attributes:
        name: family, half and number.
        family: of the bank.
        half: of the bank.
        linear: whether the model is linear in its weights and the loss squared.
        settings: ``train_samples, validation_samples, population_samples`` (0: exact), ``classes`` (0: regression),
            ``label_noise``, ``validation_label_noise``, ``loss`` ("cross-entropy" or "squared"), ``axis`` ("epoch",
            "step" or "round"), ``running_mean`` (whether its log shows the running mean of training), and whatever else
            the family varies: ``width, schedule, optimizer, learning_rate, weight_decay, batch_size, seed, ...``;
            ``leak`` and ``shift`` (shares), ``changed_at``, ``resumed_at``, ``restored_at``, ``stopped_at`` (times).
        times: of its evaluations, positive and rising; epochs are counted from 1.
        curves: of :data:`CURVES`, those that were recorded; NaN where one is not.
    """

    name: str
    family: str
    half: Half
    linear: bool = False
    settings: Mapping[str, float | str]
    times: Curve
    curves: Mapping[str, Curve]


def write_trainings(trainings: Iterable[Training], path: Path) -> None:
    """One Parquet file, a row a training; written beside it first, so that it is whole or not there."""
    rows = list(trainings)
    columns: dict[str, pa.Array] = {
        "name": pa.array([row.name for row in rows]),
        "family": pa.array([row.family for row in rows]),
        "half": pa.array([row.half for row in rows]),
        "linear": pa.array([row.linear for row in rows]),
        "settings": pa.array([json.dumps(dict(row.settings), sort_keys=True) for row in rows]),
        "times": pa.array([row.times.astype(np.float32) for row in rows], pa.list_(pa.float32())),
    }
    for name in CURVES:
        kept = [_shortened(row.curves[name]) if name in row.curves else None for row in rows]
        columns[name] = pa.array(kept, pa.list_(pa.float32()))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    encoding = {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in ("times", *CURVES)}
    pq.write_table(
        pa.table(columns), beside, compression="zstd", compression_level=19, use_dictionary=False,
        column_encoding=encoding,
    )  # fmt: skip
    beside.replace(path)


def read_trainings(path: Path, half: Half | None = None) -> list[Training]:
    """The trainings of a file, all or of one half."""
    filters = None if half is None else [("half", "==", half)]
    return [_training(row) for row in pq.read_table(path, filters=filters).to_pylist()]


def _training(row: dict[str, object]) -> Training:
    curves = {name: np.array(row[name], float) for name in CURVES if row[name] is not None}
    return Training(
        name=str(row["name"]),
        family=str(row["family"]),
        half="development" if row["half"] == "development" else "untouched",
        linear=bool(row["linear"]),
        settings=json.loads(str(row["settings"])),
        times=np.array(row["times"], float),
        curves=curves,
    )


def _shortened(curve: Curve) -> Float[np.ndarray, " points"]:
    """Rounded to the precision that is kept: what is left compresses."""
    bits = curve.astype(np.float32).view(np.uint32)
    dropped = 23 - _BITS_KEPT
    finite = np.isfinite(curve)
    rounded = np.where(finite, (bits + np.uint32(1 << (dropped - 1))) & ~np.uint32((1 << dropped) - 1), bits)
    return rounded.astype(np.uint32).view(np.float32)
