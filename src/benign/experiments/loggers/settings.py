"""What a grid measures, as the short texts that a tracker shows beside a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from benign.experiments.grid import Grid

_LONGEST = 500
_MOST_VALUES = 10


def settings(grid: Grid) -> dict[str, str]:
    """The settings of procedure and source, one entry each, and the axes; no text is longer than 500 characters."""
    first = grid.replicates[0]
    texts = {
        **{f"attributes.{name}": str(value) for name, value in grid.attributes.items()},
        **{f"procedure.{name}": str(value) for name, value in grid.procedure.items()},
        **{f"source.{name}": text for name, text in _shared(grid.sources).items()},
        "sizes": _listed(grid.part.sizes.tolist()),
        "times": _listed(grid.part.times.tolist()),
        "samples": _listed(grid.samples),
        "replicates": str(len(grid.replicates)),
        "seed": str(first.seed),
        "metrics": ", ".join(sorted(grid.part.metrics)),
    }
    if grid.label_noise is not None:
        texts["label_noise"] = _listed(grid.label_noise)
    return {re.sub(r"[^\w.-]", "_", name): text[:_LONGEST] for name, text in texts.items()}


def _shared(sources: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Each setting's values, where the sources (of different label noise) differ separated by commas."""
    values: dict[str, list[str]] = {}
    for source in sources:
        for name, value in source.items():
            values.setdefault(name, []).append(str(value))
    return {name: ", ".join(dict.fromkeys(texts)) for name, texts in values.items()}


def _listed(values: Iterable[float]) -> str:
    texts = [str(value) for value in values]
    if len(texts) <= _MOST_VALUES:
        return ", ".join(texts)
    return f"{texts[0]} to {texts[-1]} ({len(texts)} values)"
