"""A pilot that finds the sizes of a grid, from training risk alone: the search's measurements go through the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from benign.experiments.environment import Environment
from benign.experiments.grid import Grid
from benign.experiments.running import measured_grid, search_name
from benign.experiments.size_placement import place_sizes
from benign.experiments.size_search import SizeThreshold, search_size
from benign.foundation.errors import InvalidArgument
from benign.foundation.progress import doing
from benign.foundation.replicate import Replicate, paired_replicates
from benign.foundation.sizes import EVERY_FACTOR
from benign.foundation.split import Split
from benign.procedures.protocol import Procedure
from benign.schema import SIZE_SEARCH
from benign.sources.protocol import Source
from benign.surface.training_risks import relative_training_loss

DRAWS = 3
_FEWEST_SAMPLES = 2
_RisksOn = Callable[[Grid, Source], Float[np.ndarray, " R"]]
"""A pilot's grid of one size, measured: the relative training loss of each draw."""


def with_found_sizes(
    grid: Grid, procedure: Procedure, sources: Sequence[Source], environment: Environment, *, name: str
) -> Grid:
    """The grid with the sizes that a pilot finds for it; as it is, where it has sizes.

    At each n a few draws of the grid's own replicates are trained at a few sizes, with the grid's own times and
    metrics, so that their blocks are part of what is measured afterwards. The last time decides what is fitted. Of
    several levels of label noise the first and the last are searched. The sizes do not depend on how many paired
    replicates the grid has: measuring more of them later extends the same surface.

    Args:
        grid: all but its sizes; see :func:`benign.experiments.resolution.resolve_grid`.
        procedure: the one whose settings are the grid's.
        sources: likewise, one for each level of label noise.
        environment: where the pilot's jobs run; its store keeps what they measure.
        name: of what the sizes are for.

    Raises:
        InvalidArgument: if not even the first size that is tried can be trained.
    """
    if len(grid.part.sizes):
        return grid

    def risks(pilot: Grid, source: Source) -> Float[np.ndarray, " R"]:
        called = search_name(f"the sizes of {name}")
        return relative_training_loss(measured_grid(pilot, procedure, [source], environment, name=called))[0, -1, 0]

    found = [
        _search(grid, samples, level, procedure, sources[level], risks)
        for samples in grid.samples
        for level in sorted({0, len(sources) - 1})
    ]
    sizes = place_sizes(found, available=procedure.max_size)
    # Equal sentences, of two levels of noise, are said once.
    sentences = dict.fromkeys(threshold.sentence(procedure.size_name) for threshold in found)
    return replace(
        grid,
        part=replace(grid.part, sizes=sizes),
        attributes={**grid.attributes, SIZE_SEARCH: " ".join(sentences)},
    )


def _search(
    grid: Grid, samples: int, level: int, procedure: Procedure, source: Source, risks_on: _RisksOn
) -> SizeThreshold:
    pilot = replace(
        grid, sources=(grid.sources[level],), label_noise=None, samples=(samples,), replicates=_replicates(grid),
        attributes=_pilot_attributes(grid),
    )  # fmt: skip
    has_measured = False
    # How many parameters a size has does not depend on the samples.
    split = source.draw(_FEWEST_SAMPLES, pilot.replicates[0])
    largest = _size_of(EVERY_FACTOR * samples, procedure, split)

    def risks_of(size: int) -> Float[np.ndarray, " R"] | None:
        nonlocal has_measured
        one = replace(pilot, part=replace(pilot.part, sizes=np.array([size], dtype=np.int64)))
        try:
            risks = risks_on(one, source)
        except InvalidArgument:
            if not has_measured and size >= largest:
                raise
            return None
        has_measured = True
        return risks

    with doing(f"searching the sizes that fit n = {samples:,}"):
        return search_size(risks_of, samples=samples, guess=_size_of(samples, procedure, split), largest=largest)


def _replicates(grid: Grid) -> tuple[Replicate, ...]:
    """The first paired replicates, be they wanted or not; of crossed ones some of these, far apart."""
    paired = paired_replicates(DRAWS, seed=grid.replicates[0].seed)
    if grid.replicates[:DRAWS] == paired[: len(grid.replicates)]:
        return paired
    places = np.unique(np.linspace(0, len(grid.replicates) - 1, DRAWS).round().astype(int))
    return tuple(grid.replicates[place] for place in places)


def _pilot_attributes(grid: Grid) -> Mapping[str, str | int]:
    return {**grid.attributes, "title": f"search for sizes: {grid.attributes['title']}"}


def _size_of(parameters: int, procedure: Procedure, split: Split) -> int:
    """The largest size that has no more parameters for each output than this: for as many samples, a first guess.

    No more than ``max_size``, and no more than ``parameters``, since a size has one parameter at least.
    """
    outputs = split.train_targets.shape[1]
    low, high = 1, int(min(parameters, procedure.max_size)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if procedure.parameters(middle, split) <= parameters * outputs:
            low = middle
        else:
            high = middle
    return low
