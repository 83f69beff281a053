"""A pilot that finds the sizes of a grid, from training risk alone: the search's measurements go through the store."""

from __future__ import annotations

import bisect
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from benign.experiments.environment import Environment
from benign.experiments.grid import Grid
from benign.experiments.running import Resolved, measured_grid
from benign.experiments.size_placement import place_sizes
from benign.experiments.size_search import DRAWS, SizeThreshold, search_size
from benign.experiments.states import search_name
from benign.foundation.errors import InvalidArgument
from benign.foundation.progress import doing
from benign.foundation.replicate import Replicate, paired_replicates
from benign.foundation.sizes import EVERY_FACTOR
from benign.foundation.split import Split
from benign.procedures.protocol import Procedure
from benign.schema import SIZE_SEARCH
from benign.surface.training_risks import relative_training_loss

_FEWEST_SAMPLES = 2


def with_found_sizes(resolved: Resolved, environment: Environment) -> Resolved:
    """The same with the sizes that a pilot finds for its grid; as it is, where that has sizes.

    At each n a few draws of the grid's own replicates are trained at a few sizes, with the grid's own times and
    metrics, so that their blocks are part of what is measured afterwards. The last time decides what is fitted. Of
    several levels of label noise the first and the last are searched. The sizes do not depend on how many paired
    replicates the grid has: measuring more of them later extends the same surface. How the sizes are searched and
    placed is our own.

    Args:
        resolved: its grid all but the sizes; see :func:`benign.experiments.resolution.resolve_grid`.
        environment: where the pilot's jobs run; its store keeps what they measure.

    Raises:
        InvalidArgument: if not even the first size that is tried can be trained.
    """
    grid, unit = resolved.grid, resolved.procedure.size_name
    if len(grid.part.sizes):
        return resolved
    levels = sorted({0, len(resolved.sources) - 1})
    found = [_search(resolved, samples, level, environment) for samples in grid.samples for level in levels]
    # Equal sentences, of two levels of noise, are said once.
    sentences = dict.fromkeys(threshold.sentence(unit) for threshold in found)
    part = replace(grid.part, sizes=place_sizes(found, available=resolved.procedure.max_size))
    attributes = {**grid.attributes, SIZE_SEARCH: " ".join(sentences)}
    return replace(resolved, grid=replace(grid, part=part, attributes=attributes))


def _search(resolved: Resolved, samples: int, level: int, environment: Environment) -> SizeThreshold:
    grid, procedure, source = resolved.grid, resolved.procedure, resolved.sources[level]
    pilot = replace(
        grid,
        sources=(grid.sources[level],),
        label_noise=None,
        samples=(samples,),
        replicates=_replicates(grid),
        attributes={**grid.attributes, "title": f"search for sizes: {grid.attributes['title']}"},
    )
    has_measured = False
    # How many parameters a size has does not depend on the samples.
    split = source.draw(_FEWEST_SAMPLES, pilot.replicates[0])
    largest = _size_of(EVERY_FACTOR * samples, procedure, split)

    def risks_of(size: int) -> Float[np.ndarray, " R"] | None:
        nonlocal has_measured
        one = replace(pilot, part=replace(pilot.part, sizes=np.array([size], dtype=np.int64)))
        name = search_name(f"the sizes of {resolved.name}")
        try:
            dataset = measured_grid(Resolved(grid=one, procedure=procedure, sources=[source], name=name), environment)
            risks = relative_training_loss(dataset)
        except InvalidArgument:
            if not has_measured and size >= largest:
                raise
            return None
        has_measured = True
        return risks[0, -1, 0]

    with doing(f"searching the sizes that fit n = {samples:,}"):
        return search_size(risks_of, samples=samples, guess=_size_of(samples, procedure, split), largest=largest)


def _replicates(grid: Grid) -> tuple[Replicate, ...]:
    """The first paired replicates, be they wanted or not; of crossed ones some of these, far apart."""
    paired = paired_replicates(DRAWS, seed=grid.replicates[0].seed)
    if grid.replicates[:DRAWS] == paired[: len(grid.replicates)]:
        return paired
    places = np.unique(np.linspace(0, len(grid.replicates) - 1, DRAWS).round().astype(int))
    return tuple(grid.replicates[place] for place in places)


def _size_of(parameters: int, procedure: Procedure, split: Split) -> int:
    """The largest size that has no more parameters for each output than this: for as many samples, a first guess.

    No more than ``max_size``, and no more than ``parameters``, since a size has one parameter at least.
    """
    outputs = split.train_targets.shape[1]
    sizes = range(2, int(min(parameters, procedure.max_size)) + 1)
    fewer = bisect.bisect_right(sizes, parameters * outputs, key=lambda size: procedure.parameters(size, split))
    return fewer + 1
