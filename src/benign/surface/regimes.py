r"""The regime of every cell of a surface, read from its training risks alone, and the critical range along one axis.

A cell is critical iff 1 / band <= ratio <= band. The ratio is EMC / n, the effective model complexity over the number
of samples (Nakkiran et al. 2020, Definition 1 and Hypothesis 1), where the surface holds enough n to read it. Where it
does not, EMC is unknown, and so is how it grows with the size: it equals the number of random features, but no rule
gives it for a network's width. What one n does show is its threshold: the ratio is then size / threshold size, the
mirror image along the other axis of the same contour (or time / threshold time, for one size). Both agree on which side
of the threshold a cell is; how far the critical regime reaches is said in samples by the one and in sizes by the other.
They coincide where EMC is proportional to the size. The basis is always named.

A threshold is uncertain twice. It has the 95 % interval over draws of
:func:`benign.curves.threshold_search.find_threshold`. And between two positions nothing was measured, nor need the mean
risk be straight there: so the interval reaches to the measured position at which the risk is surely within the
tolerance, and to the one at which it surely is not. A cell is undecided where that interval crosses an edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from benign.curves.fitting_threshold import Criterion, ThresholdOutcome
from benign.curves.threshold_search import (
    LEAST_DRAWS,
    Regime,
    checked_band,
    checked_tolerance,
    find_threshold,
    regimes,
)
from benign.foundation.arguments import checked_name
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.errors import invalid
from benign.foundation.number_words import format_position
from benign.foundation.size_words import amount, span
from benign.schema import SOURCE_NOTES
from benign.surface.size_direction import is_read_inversely, wrong_way_note
from benign.surface.training_risks import checked_criterion, place_on, training_risks, with_axes

Basis = Literal["EMC / n", "size / threshold size", "time / threshold time"]
AXES: dict[str, str] = {"EMC / n": "samples", "size / threshold size": "size", "time / threshold time": "time"}
BASES: dict[str, Basis] = {AXES[basis]: basis for basis in get_args(Basis)}
_ORDER = ("size", "time", "samples")
_UNITS = {"size_name": "units", "time_name": "steps"}
_MOST_NAMED = 3  # numbers of samples in the sentence


@dataclass(frozen=True, kw_only=True, eq=False)
class RegimeMap:
    """The regime of every cell, with the ratio that it was read from.

    Attributes:
        sizes: of the first axis.
        times: of the second.
        samples: of the third.
        ratio: EMC / n, or what ``basis`` says; NaN where the threshold lies beyond what was measured (``low`` and
            ``high`` then bound it from one side) and where a training risk is no number.
        low: lower end of its interval; 0 where nothing bounds it.
        high: upper end; infinity where nothing bounds it.
        label: integers of :class:`benign.curves.threshold_search.Regime`.
        band: a cell is critical where the ratio lies within 1 / ``band`` and ``band``.
        basis: what the ratio is of: ``"EMC / n"``, ``"size / threshold size"`` or ``"time / threshold time"``.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.
        replicates: draws behind each cell; fewer than 4 decide nothing.
        size_name: what a size counts.
        time_name: what a time counts.
        note: why nothing is read along the size, where that is so; every cell is then undecided.
        data_notes: what there is to know of the data; see :attr:`benign.Surface.notes`.
    """

    sizes: Float[np.ndarray, " size"]
    times: Float[np.ndarray, " time"]
    samples: Float[np.ndarray, " samples"]
    ratio: Float[np.ndarray, "size time samples"]
    low: Float[np.ndarray, "size time samples"]
    high: Float[np.ndarray, "size time samples"]
    label: Int[np.ndarray, "size time samples"]
    band: float
    basis: Basis
    tolerance: float
    criterion: Criterion
    replicates: int
    size_name: str
    time_name: str
    note: str = ""
    data_notes: tuple[str, ...] = ()

    def at(self, *, size: float | None = None, time: float | None = None, samples: float | None = None) -> Regime:
        """The regime of one cell; an axis of one value may be left out, ``time`` for the last.

        Raises:
            InvalidArgument: for a value that was not measured, or one left out where there are several.
        """
        place = (
            place_on("size", self.sizes, size),
            len(self.times) - 1 if time is None else place_on("time", self.times, time),
            place_on("samples", self.samples, samples),
        )
        return Regime(int(self.label[place]))

    @property
    def undecided(self) -> int:
        """Number of undecided cells."""
        return int((self.label == Regime.UNDECIDED).sum())

    @property
    def rule(self) -> str:
        """The ratio and its band: "EMC / n within 1/1.5 and 1.5"."""
        return rule(self.basis, self.band)

    def __str__(self) -> str:
        """The sentence, and what there is to know of the data."""
        return " ".join([self.sentence, *self.data_notes])

    @property
    def sentence(self) -> str:
        """The critical cells in one line: along the sizes, at the last time, for at most three n."""
        if self.note:
            return self.note
        rows = range(len(self.samples)) if len(self.samples) <= _MOST_NAMED else (0, len(self.samples) - 1)
        places = [self._place(row) for row in rows] if len(self.sizes) > 1 or len(self.times) > 1 else [self._samples()]
        cells = f"{self.label.size:,} {'sizes' if len(self.sizes) == self.label.size else 'cells'}"
        text = f"critical {'; '.join(places)} ({self.rule}); {self.undecided:,} of {cells} undecided"
        if self.replicates < LEAST_DRAWS:
            text += f": fewer than {LEAST_DRAWS} replicates decide nothing"
        return text

    def _place(self, row: int) -> str:
        """Where cells of one n are critical, along the sizes or, for one size, along the times."""
        n, last = f"at n = {format_position(self.samples[row])}", self.times[-1]
        if len(self.sizes) == 1:
            return f"{_span(self.times, self.label[0, :, row], 'at no recorded time', self.time_name)} {n}"
        after = f" after {amount(last, self.time_name)}" if np.isfinite(last) and len(self.times) > 1 else ""
        return f"{_span(self.sizes, self.label[:, -1, row], 'at no measured size', self.size_name)} {n}{after}"

    def _samples(self) -> str:
        where = _span(self.samples, self.label[0, 0], "at no measured n", "samples")
        return f"{where} with {amount(self.sizes[0], self.size_name)}"


@dataclass(frozen=True, kw_only=True)
class CriticalRange:
    """Where the critical regime begins and ends along one axis, each with its interval.

    Positions between the intervals are critical, positions within one are undecided, whatever was measured there.

    Attributes:
        start: interval of the first critical position; 0 below means that nothing bounds it.
        stop: interval of the last one; infinity above means that nothing bounds it.
        basis: as of :class:`RegimeMap`.
        band: as there.
        is_over_first: whether positions before the range are the over-parameterised ones, as along samples and along an
            inverse of a size.
    """

    start: tuple[float, float]
    stop: tuple[float, float]
    basis: Basis
    band: float
    is_over_first: bool

    @property
    def rule(self) -> str:
        """The ratio and its band: "EMC / n within 1/1.5 and 1.5"."""
        return rule(self.basis, self.band)


def rule(basis: Basis, band: float) -> str:
    """When a cell is critical, in words."""
    return f"{basis} within 1/{band:g} and {band:g}"


def regimes_of_surface(
    dataset: xr.Dataset,
    *,
    band: float = REGIME_BAND,
    tolerance: float = TOLERANCE,
    criterion: Criterion = "objective",
    basis: Basis | None = None,
) -> RegimeMap:
    """The regime of every (size, time, samples), also of a surface of one n (Nakkiran et al. 2020, Hypothesis 1).

    Unless said, the basis is chosen by what was measured, never by the risks: EMC / n where there are several n with no
    step between neighbours above ``band`` (a coarser grid cannot resolve the regime) that span ``band`` twice over (a
    shorter range bounds the complexity of few sizes), or several n and one size; else
    size / threshold size, for each time and n; else, for one size, time / threshold time.

    Of an inverse of a size (``is_inverse``) the size is 1 / value. Where the training risk shows that a size is read
    the wrong way round (:mod:`benign.surface.size_direction`), no cell is labelled by it, and ``note`` says so.

    Intervals are for each cell alone, at 95 %. Where the fitted sizes are no interval, the smallest of them counts, as
    the largest fitted n does for EMC.

    Args:
        dataset: of the surface, without a dimension of label noise.
        band: above 1.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.
        basis: what the ratio is of; None chooses.

    Raises:
        InvalidArgument: for a surface with one size, time and n, or arguments that cannot be used.
    """
    epsilon, kind, factor = checked_tolerance(tolerance), checked_criterion(criterion), checked_band(band)
    chosen = _chosen(dataset, factor) if basis is None else checked_basis(dataset, basis)
    risks = training_risks(dataset, kind)
    axis = _ORDER.index(AXES[chosen])
    hardness = _hardness(dataset, AXES[chosen])
    note = wrong_way_note(dataset, kind, epsilon) if AXES[chosen] == "size" else ""
    ratio, low, high = (np.full(risks.shape[:3], unknown) for unknown in (np.nan, 0.0, np.inf))
    for other in () if note else np.ndindex(*np.delete(risks.shape[:3], axis)):
        cells = (*other[:axis], slice(None), *other[axis:])
        ratio[cells], low[cells], high[cells] = _ratios(hardness, risks[cells], epsilon)
    label = regimes(np.where(np.isnan(ratio), low, ratio), low, high, np.ones(ratio.shape), band=factor)
    sizes, times, samples = (dataset[name].values.astype(np.float64) for name in _ORDER)
    size_name, time_name = (str(dataset.attrs.get(name) or other) for name, other in _UNITS.items())
    return RegimeMap(
        sizes=sizes,
        times=times,
        samples=samples,
        ratio=ratio,
        low=low,
        high=high,
        label=label,
        band=factor,
        basis=chosen,
        tolerance=epsilon,
        criterion=kind,
        replicates=risks.shape[3],
        size_name=size_name,
        time_name=time_name,
        note=note,
        data_notes=(dataset.attrs[SOURCE_NOTES],) if SOURCE_NOTES in dataset.attrs else (),
    )


def critical_range(
    section: xr.Dataset,
    dim: str,
    *,
    band: float = REGIME_BAND,
    tolerance: float = TOLERANCE,
    criterion: Criterion = "objective",
) -> CriticalRange | None:
    """Where a section of a surface along ``dim`` is critical; the basis is that of the axis.

    The critical regime of Nakkiran et al. 2020, Hypothesis 1.

    Args:
        section: of a surface, every other axis fixed.
        dim: ``"size"``, ``"time"`` or ``"samples"``.
        band: above 1.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.

    Returns:
        The range; None where nothing bounds it: too few replicates, no number, or a size read the wrong way round.

    Raises:
        InvalidArgument: as :func:`regimes_of_surface`.
    """
    epsilon, kind, factor = checked_tolerance(tolerance), checked_criterion(criterion), checked_band(band)
    whole = with_axes(section, kind)
    risks = np.moveaxis(training_risks(whole, kind), _ORDER.index(dim), 0)
    _, low, high = _threshold(_hardness(whole, dim), risks.reshape(len(risks), -1), epsilon)
    if not (low > 0.0 or high < np.inf) or (dim == "size" and wrong_way_note(whole, kind, epsilon)):
        return None
    first, last = (low / factor, high / factor), (low * factor, high * factor)
    is_over_first = dim == "samples" or (dim == "size" and is_read_inversely(whole))
    if not is_over_first:
        first, last = (_inverse(last[1]), _inverse(last[0])), (_inverse(first[1]), _inverse(first[0]))
    return CriticalRange(start=first, stop=last, basis=BASES[dim], band=factor, is_over_first=is_over_first)


def checked_basis(dataset: xr.Dataset, basis: object) -> Basis:
    """The basis, if it is one and the surface can be read on it.

    Raises:
        UnknownName: if it is none.
        InvalidArgument: if the surface holds fewer than two positions along its axis.
    """
    known = cast("Basis", checked_name("basis", basis, get_args(Basis)))
    axis = AXES[known]
    if np.isfinite(_hardness(dataset, axis)).sum() < 2:
        raise invalid("basis", f"{known!r} needs several values of {axis}; the surface has {dataset.sizes[axis]}.")
    return known


def _chosen(dataset: xr.Dataset, band: float) -> Basis:
    n = dataset["samples"].values.astype(np.float64)
    several = {name: int(np.isfinite(_hardness(dataset, name)).sum()) > 1 for name in _ORDER}
    # Neighbours no further apart than the regime is wide, over a range that holds more than the regime.
    is_fine = bool(np.all(n[1:] <= n[:-1] * band * (1.0 + 1e-9)) and n[-1] >= n[0] * band**2)
    if is_fine or (several["samples"] and not several["size"]):
        return "EMC / n"
    for name in ("size", "time"):
        if several[name]:
            return BASES[name]
    raise invalid("surface", "holds one size, time and n: measure more sizes, `sizes=[...]`, or use `benign emc`.")


def _hardness(dataset: xr.Dataset, axis: str) -> Float[np.ndarray, " K"]:
    """What grows as fitting gets harder: n, 1 / size (the value, where that is an inverse of a size) or 1 / time.

    Infinity at time 0, before training; NaN where training ended at no recorded time.
    """
    positions = dataset[axis].values.astype(np.float64)
    if axis == "samples" or (axis == "size" and is_read_inversely(dataset)):
        return positions
    with np.errstate(divide="ignore"):
        return np.where(np.isfinite(positions), 1.0 / positions, np.nan)


def _ratios(
    hardness: Float[np.ndarray, " K"], risks: Float[np.ndarray, "K R"], tolerance: float
) -> Float[np.ndarray, "3 K"]:
    """Ratio, low and high of every position along one axis; NaN where there is no number."""
    numbers = np.array(_threshold(hardness, risks, tolerance))[:, None]
    found = np.where(np.isinf(hardness), 0.0, numbers / np.where(np.isinf(hardness), 1.0, hardness))
    # 1 / (1 / size) may miss the size by rounding, and the edges themselves are critical.
    return np.where(np.isfinite(risks).all(axis=1), np.round(found, 12), np.nan)


def _threshold(
    hardness: Float[np.ndarray, " K"], risks: Float[np.ndarray, "K R"], tolerance: float
) -> tuple[float, float, float]:
    """Threshold, NaN unless found between two positions, and its interval, widened to measured positions."""
    usable = np.flatnonzero(np.isfinite(hardness) & np.isfinite(risks).all(axis=1))
    usable = usable[np.argsort(hardness[usable])]
    if not len(usable):
        return np.nan, np.nan, np.nan
    measured = hardness[usable]
    found = find_threshold(measured, list(risks[usable]), tolerance)
    # Thresholds are exp(log(position)), which may miss the position by rounding.
    before = int(np.searchsorted(measured * (1.0 - 1e-9), found.interval[0], side="right")) - 1
    after = int(np.searchsorted(measured * (1.0 + 1e-9), found.interval[1]))
    low = float(measured[before]) if before >= 0 else 0.0
    high = float(measured[after]) if after < len(measured) else np.inf
    return (found.value if found.outcome is ThresholdOutcome.FOUND else np.nan), low, high


def _span(positions: Float[np.ndarray, " K"], labels: Int[np.ndarray, " K"], nowhere: str, unit: str) -> str:
    for label, words in ((Regime.CRITICAL, ""), (Regime.UNDECIDED, f"{nowhere} for sure, perhaps ")):
        found = positions[labels == label]
        if len(found):
            return words + (span(found[0], found[-1], unit) if len(found) > 1 else f"at {amount(found[0], unit)}")
    return nowhere


def _inverse(number: float) -> float:
    return 1.0 / number if number else np.inf
