"""One sample of somebody's data set: which of its parts is the input and which the target, and what they hold.

No library of theirs is imported: tensors, images and batches are known by what they can do.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from benign.foundation.arrays import as_array
from benign.foundation.errors import InvalidArgument, attempted, invalid, listed
from benign.foundation.wording import shown, told

TARGET_NAMES = ("label", "labels", "target", "targets", "y")
Name = str | int
SampleArray = Float[np.ndarray, "..."] | UInt8[np.ndarray, "..."]

_OTHER_KINDS = "`benign.sources.arrays` takes arrays, `benign.sources.frame` data frames"
_SCALARS = (str, bytes, bool, int, float)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Which parts of a sample are learnt from and learnt: keys of a mapping, fields of a named tuple, or places.

    Attributes:
        inputs: the part to learn from.
        target: the part to learn.
    """

    inputs: Name
    target: Name

    def of(self, sample: object, row: int) -> tuple[object, object]:
        """The input and the target of the sample in a row.

        Raises:
            InvalidArgument: if it lacks one.
        """
        return _part(sample, self.inputs, row), _part(sample, self.target, row)


def parts_of(sample: object, *, inputs: Name | None, target: Name | None) -> Parts:
    """Which parts are meant, found on the first sample: of two the second, or the one that is called so, is the target.

    Raises:
        InvalidArgument: if the sample has no parts, lacks one that is named, or leaves it open.
    """
    names = _names(sample, 0)
    rest = [name for name in names if name != inputs]
    if target is None:
        called = [name for name in rest if name in TARGET_NAMES]
        last = rest[-1:] if isinstance(sample, (tuple, list)) and len(names) == 2 else []
        found = called if len(called) == 1 else last
        if not found:
            raise _open("target", names)
        target = found[0]
    if inputs is None:
        rest = [name for name in names if name != target]
        if len(rest) != 1:
            raise _open("inputs", names)
        inputs = rest[0]
    if inputs == target:
        raise invalid("inputs", f"must not be the target {shown(target)}: it would be learnt from itself.")
    return Parts(inputs=inputs, target=target)


def _names(sample: object, row: int) -> list[Any]:
    if isinstance(sample, Mapping):
        return list(sample)
    if isinstance(sample, (tuple, list)):
        return list(getattr(sample, "_fields", range(len(sample))))
    raise _no_pair(sample, row)


def _no_pair(sample: object, row: int) -> InvalidArgument:
    wanted = "must hold pairs of an input and a target, or mappings"
    return invalid("data", f"{wanted}, got {_kind(sample)} in row {row} (counted from 0); {_OTHER_KINDS}.")


def _open(argument: str, names: list[Hashable]) -> InvalidArgument:
    return invalid(argument, f"must say which part of a sample is meant, one of {listed(names)}.")


def unreadable(error: BaseException, row: int) -> InvalidArgument:
    """The error for a sample whose own code fails."""
    return invalid("data", f"cannot be read in row {row} (counted from 0): {told(error)}.")


def _part(sample: object, name: Name, row: int) -> object:
    if not isinstance(sample, (Mapping, tuple, list)):
        raise _no_pair(sample, row)

    def lacking(error: BaseException) -> InvalidArgument:
        if isinstance(error, (LookupError, AttributeError, TypeError)):
            return invalid("data", f"lacks {shown(name)} in row {row} (counted from 0): {_kind(sample)}.")
        return unreadable(error, row)

    if isinstance(name, str) and hasattr(sample, "_fields"):
        return attempted(lambda: getattr(sample, name), lacking)
    return attempted(lambda: sample[name], lacking)  # type: ignore[index]


def sample_array(part: object, row: int) -> SampleArray:
    """The input of one sample: uint8 as it is, any other number as float64; of an image, channels first.

    Raises:
        InvalidArgument: if it holds anything but finite numbers.
    """
    array = _as_array(part, row)
    where = f"in row {row} (counted from 0)"
    if array.dtype.kind not in "biuf":
        advice = "encode it as numbers, or name another part by `inputs=`"
        raise invalid("data", f"must have numbers as inputs, got {_kind(part)} {where}; {advice}.")
    if array.size == 0:
        raise invalid("data", f"must have at least one number as input, got the shape {array.shape} {where}.")
    if array.dtype == np.uint8:
        return array
    with np.errstate(over="ignore"):  # of a longdouble, which then is infinite
        numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        value = numbers[~np.isfinite(numbers)][0]
        raise invalid("data", f"must be finite, got {value} {where}; remove the sample or fill in the value.")
    return numbers


def sample_target(part: object, row: int) -> object:
    """The target of one sample: a label, a value, or a vector of values.

    Raises:
        InvalidArgument: if it is none of these: missing, nested or a picture of labels.
    """
    where = f"in row {row} (counted from 0)"
    if part is None or (isinstance(part, float) and math.isnan(part)):
        raise invalid("data", f"must have a target for each sample, got {part} {where}; leave such samples out.")
    if isinstance(part, _SCALARS):
        return part
    if not isinstance(part, Mapping):
        array = _as_array(part, row)
        if array.ndim == 0 and array.dtype.kind in "biufUS":
            return sample_target(array.item(), row)
        if array.ndim == 1 and array.dtype.kind in "biuf" and array.size:
            return array
    wanted = "must have one label or value a sample as target"
    raise invalid("data", f"{wanted}, got {_kind(part)} {where}: masks, boxes and the like are not measured.")


def _as_array(part: Any, row: int) -> Shaped[np.ndarray, "..."]:
    def refusal(error: BaseException) -> InvalidArgument:
        return invalid("data", f"cannot be read as numbers in row {row} (counted from 0): {told(error)}.")

    if hasattr(part, "getbands"):
        return attempted(lambda: _pixels(part), refusal)
    if hasattr(part, "detach"):
        return attempted(lambda: _of_tensor(part), refusal)
    return as_array("data", part)


def _of_tensor(tensor: Any) -> Shaped[np.ndarray, "..."]:
    there = tensor.detach().cpu()
    return np.asarray((there.float() if str(there.dtype) == "torch.bfloat16" else there).numpy())


def _pixels(image: Any) -> Shaped[np.ndarray, "channels height width"]:
    """A PIL image, channels first; the colours of a palette, not their places in it."""
    plain = {"1": "L", "P": "RGB", "PA": "RGBA"}.get(image.mode)
    pixels = np.asarray(image if plain is None else image.convert(plain))
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _kind(value: object) -> str:
    """What a value is, in a few words: its type, and the shape or the parts it has."""
    if isinstance(value, Mapping):
        return f"a mapping of {listed(value)}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if value is None or isinstance(value, _SCALARS):
        return shown(value)
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__}{f' of the shape {tuple(shape)}' if isinstance(shape, tuple) else ''}"
