"""Weight reuse: a chain of one-hidden-layer networks, each starting from the trained one of the width before.

Source: Belkin, Hsu, Ma, Mandal 2019 (PNAS 116:15849), appendix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import equinox as eqx
import numpy as np
from jaxtyping import Float

from benign.foundation.randomness import generator
from benign.foundation.split import Split
from benign.networks.checkpoints import Kept
from benign.networks.dense import OneHiddenLayerFamily
from benign.networks.devices import DeviceName
from benign.networks.population import Member, TrainedPopulation, train_keeping
from benign.networks.recording import Recorder
from benign.networks.training import Training


def train_chain(
    chain: Sequence[int],
    training: Training,
    splits: Sequence[Split],
    *,
    times: Sequence[float] | Float[np.ndarray, " time"] | None = None,
    recorder: Recorder | None = None,
    averaged: bool = False,
    device: DeviceName = None,
    checkpoint: str | Path | None = None,
) -> Iterator[tuple[int, TrainedPopulation]]:
    """Train the widths of the chain in order, every split at once; yields each width with its population.

    The further weights of a wider network, on both sides of its hidden layer, are N(0, 0.01) (Belkin et al. 2019,
    appendix). Arguments are those of :func:`benign.networks.train_population`; ``chain`` holds
    increasing widths.
    """
    family, kept = OneHiddenLayerFamily(), Kept(place=checkpoint)
    wanted = np.asarray(training.log_spaced() if times is None else times, dtype=np.float64)
    # Each width is trained to the end, whatever is recorded: the next one starts from there.
    last = wanted[-1] in (training.last_time, np.inf)
    moments = wanted if last else np.append(wanted, training.last_time)
    members = [Member(width=chain[0], split=split) for split in splits]
    for width in chain:
        members = [_grown(family, member, width) for member in members]
        trained = train_keeping(
            family,
            training,
            members,
            times=moments,
            recorder=recorder,
            averaged=averaged,
            device=device,
            kept=kept,
            part=f"width-{width}-",
        )
        yield width, _until(trained, len(wanted))
        members = [replace(member, start=network) for member, network in zip(members, trained.networks, strict=True)]
    kept.forget()


def _until(trained: TrainedPopulation, recordings: int) -> TrainedPopulation:
    """The population with its first recordings alone."""
    return replace(
        trained,
        times=trained.times[:recordings],
        recordings={name: values[:, :recordings] for name, values in trained.recordings.items()},
        diverged=trained.diverged[:, :recordings],
    )


def _grown(family: OneHiddenLayerFamily, member: Member, width: int) -> Member:
    """The member at the next width; the first of a chain has nothing to grow from."""
    if member.start is None:
        return member
    replicate = member.split.replicate
    random = generator(replicate.seed, "grown weights", replicate.initialisation, width)
    start: eqx.Module = family.grown(member.start, width, random)
    return replace(member, width=width, start=start)
