"""Which way a size is read: more of it fits better, or, of the inverse of a size, worse.

``min_samples_leaf``, ``n_neighbors`` and ``alpha`` are such inverses. A procedure says so with ``is_inverse``, its
surface with the attribute ``size_is_inverse``. Where neither does and the training risk rises all the same, everything
read along the size would be read from the wrong end: then it is said, and nothing is read.

The training risk *rises* where the end that should fit worst fits best of all, to within the tolerance, and each
replicate fits worse at the other end, by more than the tolerance: on average surely so, by Student's t on the paired
differences at level 0.99, or with replicates that agree to within the tolerance. Fewer than 4 replicates are too few
for that: where all of them rise from a fit, a threshold is not read either, and it is said that more would tell.
Measured: of flat curves (2 to 12 sizes, 4 to 10 replicates, log-normal, shared or half of them zero) at most 0.7 %
rise, of the surfaces of the published figures none.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves.fitting_threshold import Criterion
from benign.curves.mean_tests import student_p_values
from benign.curves.threshold_search import LEAST_DRAWS
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_position
from benign.foundation.size_words import is_counted
from benign.schema import SIZE_IS_INVERSE
from benign.surface.training_risks import training_risks, with_axes

_LEVEL = 0.99


def is_read_inversely(dataset: xr.Dataset) -> bool:
    """Whether the larger a size of this surface, the less it can fit."""
    return bool(dataset.attrs.get(SIZE_IS_INVERSE, 0))


def wrong_way_note(dataset: xr.Dataset, criterion: Criterion = "objective", tolerance: float = TOLERANCE) -> str:
    """What to say where the training risks of a surface show that its size is read the wrong way round; else empty.

    Read at the last time: it is the wrong way where the risk rises at some n and falls at none.

    Args:
        dataset: of the surface, or a section of it along sizes.
        criterion: ``"objective"`` or ``"error"``.
        tolerance: what counts as fitted.
    """
    if not {"time", "samples"} <= set(dataset.dims):
        dataset = with_axes(dataset, criterion)
    sizes, inverse = dataset["size"].values.astype(np.float64), is_read_inversely(dataset)
    if len(sizes) < 2:
        return ""
    last = training_risks(dataset, criterion)[:, -1]
    at_n = [last[:, place] for place in range(last.shape[1])]
    rising = [risks for risks in at_n if rises(_as_a_size(risks, inverse), tolerance)]
    if not rising or any(rises(_as_a_size(risks, not inverse), tolerance) for risks in at_n):
        return ""
    return _sentence(str(dataset.attrs.get("size_name", "size")), sizes, rising[-1], criterion, inverse)


def wrong_way_note_of_search(
    risks: Mapping[float, Float[np.ndarray, " _R"]], name: str, criterion: Criterion, tolerance: float, *, inverse: bool
) -> str:
    """The same of the sizes that a search tried; more draws at one of them than at another are not paired, and unused.

    Args:
        risks: the draws at each size, ascending; those of fewer are the first of those of more.
        name: of the size.
        criterion: what is fitted.
        tolerance: what counts as fitted.
        inverse: whether the search took the size for an inverse.
    """
    draws = min((len(values) for values in risks.values()), default=0)
    paired = np.array([values[:draws] for values in risks.values()]).reshape(len(risks), draws)
    if not rises(_as_a_size(paired, inverse), tolerance):
        return ""
    return _sentence(name, np.array(list(risks)), paired, criterion, inverse)


def rises(risks: Float[np.ndarray, "K R"], tolerance: float) -> bool:
    """Whether the training risk rises where it should fall: see the module.

    Args:
        risks: one row a size, in the order in which fitting should get easier, replicates paired. Rows with NaN or
            infinity are left out.
        tolerance: a difference of risks that means nothing.
    """
    rows = risks[np.isfinite(risks).all(axis=1)]
    if len(rows) < 2 or not rows.size:
        return False
    rise, means = rows[-1] - rows[0], rows.mean(axis=1)
    if means[0] > means.min() + tolerance or not np.all(rise > tolerance):
        return False
    if len(rise) < LEAST_DRAWS:
        return bool(means.min() <= tolerance)
    return bool(np.ptp(rise) <= tolerance or student_p_values(rise[None], tolerance)[0] <= 1.0 - _LEVEL)


def _as_a_size(risks: Float[np.ndarray, "K R"], inverse: bool) -> Float[np.ndarray, "K R"]:
    return risks[::-1] if inverse else risks


def _sentence(
    name: str, sizes: Float[np.ndarray, " K"], risks: Float[np.ndarray, "K R"], criterion: Criterion, inverse: bool
) -> str:
    usable = np.flatnonzero(np.isfinite(risks).all(axis=1))
    first, last = usable[[0, -1]]
    share = " of a constant's" if criterion == "objective" else ""
    numbers = f"{risks[first].mean():.2g}{share} at {format_position(sizes[first])}, "
    numbers += f"{risks[last].mean():.2g} at {format_position(sizes[last])}"
    way, what, advice = ("falls", "a size", "leave out") if inverse else ("rises", "the inverse of a size", "give")
    is_sure, they = risks.shape[1] >= LEAST_DRAWS, "they" if is_counted(name) else "it"
    act = f"{they} act{'' if is_counted(name) else 's'}" if is_sure else f"{they} may act"
    more = "" if is_sure else f" {LEAST_DRAWS} replicates or more would tell."
    return (
        f"Training {'loss' if criterion == 'objective' else 'error'} {way} with {name} ({numbers}): {act} as {what}. "
        f"Nothing is read along it; to read it the other way round, {advice} `inverse=True` (--inverse).{more}"
    )
