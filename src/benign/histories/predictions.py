"""Predicted probabilities beside a log: where they lie, in which order, and which curves they give a history."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from benign.foundation.errors import InvalidArgument, invalid, listed
from benign.foundation.number_words import format_number
from benign.foundation.wording import reason, shown, shown_path
from benign.histories.calibration import Calibration, calibrate
from benign.histories.history import Curve, History

_LABELS = ("labels", "label", "y", "y_true", "targets", "target")
_DISAGREES = 0.1  # of the loss
_LEAST = 1e-12


def calibration_of(probabilities: Any, labels: Any) -> Calibration:
    """The loss of predicted probabilities in two parts, wherever they are.

    Args:
        probabilities: an array (samples x classes) for each evaluation, what yields them one by one, the path of an
            .npz with one array an evaluation, of an .npy of all, or of a folder of files of one evaluation each, or a
            list of their paths; by the numbers in their names where each has one of its own, else as they are stored.
        labels: the right classes; the path of an .npy or .npz; or None where a file holds them as ``labels``.

    Raises:
        InvalidArgument: for what is no such file or array.
    """
    paths = _paths(probabilities)
    if isinstance(labels, (str, Path)):
        labels = _labels_at(Path(labels))
    elif paths and labels is None:
        labels = _labels_beside(paths[0])
    if labels is None:
        told = "are missing: give the right classes of the validation set, or store them as 'labels' in the .npz."
        raise invalid("labels", told)
    return calibrate(_epochs(paths) if paths else probabilities, labels)


def joined(history: History, calibration: Calibration) -> tuple[History, tuple[str, ...]]:
    """The history with what the probabilities know and the log does not, and a sentence on what does not fit."""
    known: dict[str, Any] = {
        "classes": history.classes or calibration.classes,
        "validation_samples": history.validation_samples or calibration.samples,
    }
    epochs, times = calibration.loss.size, history.times.size
    if epochs != times:
        told = f"The probabilities are of {epochs:,} evaluations, the log has {times:,}: no curve was taken from them."
        return replace(history, **known), (told,)
    curves = {"validation_loss": calibration.loss, "validation_error": calibration.error}
    known |= {name: curve for name, curve in curves.items() if getattr(history, name) is None}
    return replace(history, **known), _disagreement(history.validation_loss, calibration.loss)


def _disagreement(recorded: Curve | None, measured: Curve) -> tuple[str, ...]:
    if recorded is None or not np.isfinite(recorded).any():
        return ()
    apart = float(np.nanmedian(np.abs(recorded - measured) / np.maximum(measured, _LEAST)))
    if apart <= _DISAGREES:
        return ()
    percent = format_number(100 * apart, digits=2)
    return (f"The losses of the probabilities differ from the log's by {percent} %: are they of this run, in order?",)


def _paths(given: Any) -> list[Path]:
    """The files that are meant; none where it is no path."""
    if isinstance(given, (str, Path)):
        return _inside(Path(given)) if Path(given).is_dir() else [Path(given)]
    is_paths = isinstance(given, (list, tuple)) and given and all(isinstance(one, (str, Path)) for one in given)
    return [Path(one) for one in given] if is_paths else []


def _inside(folder: Path) -> list[Path]:
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix in {".npz", ".npy"})
    except OSError as error:
        raise invalid("probabilities", f"cannot be read: {shown_path(folder)} ({reason(error)}).") from error
    names = [name for name in names if Path(name).stem not in _LABELS]
    if not names:
        raise invalid("probabilities", f"are missing: the folder {shown_path(folder)} holds no .npz or .npy.")
    return [folder / name for name in _in_order(names)]


def _in_order(names: Sequence[str]) -> list[str]:
    """By the number in each name, the last of several, where no two are equal."""
    numbers = [re.findall(r"\d+", name) for name in names]
    if not all(numbers):
        return list(names)
    last = [int(found[-1]) for found in numbers]
    return [names[place] for place in np.argsort(last)] if len(set(last)) == len(last) else list(names)


def _epochs(paths: Sequence[Path]) -> Iterator[npt.NDArray[Any]]:
    """One array at a time."""
    for path in paths:
        for name, array in _arrays(path):
            if name in _LABELS:
                continue
            if array.ndim not in {2, 3}:
                where = f"{shown_path(path)}, {shown(name)}" if name else shown_path(path)
                raise invalid("probabilities", f"must be (samples, classes): {where} has the shape {array.shape}.")
            yield from array if array.ndim == 3 else [array]


def _labels_at(path: Path) -> npt.NDArray[Any]:
    """The labels of a file that is said to hold them: the array of that name, or the only one."""
    held = dict(_arrays(path))
    named = [array for name, array in held.items() if name in _LABELS]
    if not named and len(held) != 1:
        raise invalid(
            "labels", f"are missing: {shown_path(path)} holds the arrays {listed(held)}, none called 'labels'."
        )
    return (named or list(held.values()))[0]


def _labels_beside(path: Path) -> npt.NDArray[Any] | None:
    """The labels that a file of probabilities holds, or that lie beside it as ``labels.npy``; None without."""
    within = next((array for name, array in _arrays(path) if name in _LABELS), None)
    beside = (path.with_name(f"{name}{ending}") for name in _LABELS for ending in (".npy", ".npz"))
    if within is not None:
        return within
    return next((_labels_at(file) for file in beside if file.is_file()), None)


def _arrays(path: Path) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The arrays of a file by name, in order; the one of an .npy has none."""
    try:
        with path.open("rb") as file:  # which NumPy leaves open where it is broken
            held = np.load(file, allow_pickle=False)
            is_one = isinstance(held, np.ndarray)
            for name in [""] if is_one else _in_order(held.files):
                yield name, held if is_one else held[name]
    except (OSError, ValueError, EOFError, KeyError, BadZipFile, zlib.error) as error:
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""  # not NumPy's advice
        words = f"{shown_path(path)} cannot be read as .npz or .npy{why}; write it with numpy.savez."
        raise InvalidArgument(words, "probabilities") from error
