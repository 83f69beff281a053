"""The engine: many networks of one shape trained as one compiled program.

Between two recordings nothing but this program runs: a loop over steps inside a loop over groups of members, each group
vectorised. A member is one network with its own parameters, optimiser state, learning rate and mini-batches; members
share their data, and no number passes from one to another. The family of the network is unknown here: it
comes as Equinox's parameters and structure; what is recorded comes as a pure function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from benign.networks.gradient_penalty import penalised_gradient
from benign.networks.objective import mean_loss, wrong
from benign.networks.optimisers import direction
from benign.networks.recording import Data, Recorder, outputs_of
from benign.networks.schedules import schedule
from benign.networks.training import Training

Tree = Any
"""A tree of arrays, as Equinox and Optax keep them."""


class State(eqx.Module):
    """Where training stands; every leaf has a leading axis, one entry a member.

    Attributes:
        parameters: the arrays of the networks.
        optimiser: Optax's state.
        average: exponential moving average of the parameters, or None where nobody asked for it.
        rate: learning rates; 0 for a member that is frozen.
        penalty: mu / m of the gradient penalty, or None without one.
    """

    parameters: Tree
    optimiser: Tree
    average: Tree | None
    rate: Float[Array, "*member"]
    penalty: Float[Array, "*member"] | None


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is compiled in.

    Attributes:
        training: how networks are trained.
        structure: what of the network is not an array.
        total: steps of the whole training.
        per_epoch: steps of an epoch.
        has_short_batch: whether the last batch of an epoch is filled up.
        together: members that one vectorised step trains; it divides their number.
    """

    training: Training
    structure: Tree
    total: int
    per_epoch: int
    has_short_batch: bool
    together: int


def begin(
    program: Program,
    parameters: Tree,
    rate: Float[np.ndarray, " member"],
    penalty: Float[np.ndarray, " member"] | None,
    *,
    averaged: bool,
) -> State:
    """The state before the first step, in which every number of an optimiser is zero; nothing is compiled for it."""
    shapes = jax.eval_shape(jax.vmap(direction(program.training).init), parameters)
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    started, optimiser, rates, penalties = jax.device_put((parameters, zeros, rate, penalty))
    average = started if averaged else None
    return State(parameters=started, optimiser=optimiser, average=average, rate=rates, penalty=penalties)


@eqx.filter_jit
def advance(
    program: Program,
    state: State,
    data: Data,
    data_of: Int[Array, " member"],
    rows: Int[Array, "order capacity batch"],
    order_of: Int[Array, " member"],
    start: Int[Array, ""],
    steps: Int[Array, ""],
) -> State:
    """Train every member by ``steps`` steps from step ``start`` on, on its data, with the batches of its order."""

    def train(one: tuple[State, Array, Array]) -> State:
        member, its_data, order = one
        return jax.lax.fori_loop(
            0, steps, lambda i, member: _step(program, member, data, its_data, rows[order, i], start + i), member
        )

    return jax.lax.map(train, (state, data_of, order_of), batch_size=_vectorised(program.together))


def _vectorised(together: int) -> int | None:
    """As lax.map takes it: a single member is not vectorised, which would turn its products into batched ones."""
    return together if together > 1 else None


def _step(
    program: Program, member: State, data: Data, its_data: Array, rows: Int[Array, " batch"], step: Int[Array, ""]
) -> State:
    """One step of one member."""
    training = program.training
    inputs, targets = data.train_inputs[its_data, rows], data.train_targets[its_data, rows]

    def objective(parameters: Tree) -> Float[Array, ""]:
        network = eqx.combine(parameters, program.structure)
        counted = rows >= 0 if program.has_short_batch else None
        return mean_loss(training.loss, jax.vmap(network)(inputs), targets, counted)

    if member.penalty is None:
        gradient = jax.grad(objective)(member.parameters)
    else:
        gradient = penalised_gradient(objective, member.parameters, member.penalty, training)
    update, optimiser = direction(training).update(gradient, member.optimiser, member.parameters)
    rate = member.rate * schedule(training, step, program.total, program.per_epoch, of=jnp)
    parameters = jax.tree.map(lambda old, by: old - rate * by, member.parameters, update)
    average = member.average
    if average is not None:
        kept = _kept(training, member)
        average = jax.tree.map(lambda old, new: kept * old + (1.0 - kept) * new, average, parameters)
    return State(parameters=parameters, optimiser=optimiser, average=average, rate=member.rate, penalty=member.penalty)


def _kept(training: Training, member: State) -> Float[Array, ""] | float:
    """The share of the old average that stays: all of it once the member is frozen."""
    if not training.stop_at_zero_error:
        return training.average
    return jnp.where(member.rate == 0.0, jnp.ones_like(member.rate), training.average)


@eqx.filter_jit
def record(
    structure: Tree, state: State, data: Data, data_of: Int[Array, " member"], recorder: Recorder, together: int
) -> dict[str, Float[Array, "member ..."]]:
    """What the recorder says of every member; of its averaged weights too, as ``NAME_averaged``.

    How they are trained is no part of it: trainings that differ in that alone share what is compiled.
    """

    def measured(one: tuple[State, Array]) -> dict[str, Array]:
        member, its_data = one
        mine = Data(*(part[its_data] for part in data))
        values = recorder(eqx.combine(member.parameters, structure), mine)
        if member.average is not None:
            averaged = recorder(eqx.combine(member.average, structure), mine)
            values |= {f"{name}_averaged": value for name, value in averaged.items()}
        return values

    return jax.lax.map(measured, (state, data_of), batch_size=_vectorised(together))


@eqx.filter_jit
def freeze_fitted(program: Program, state: State, data: Data, data_of: Int[Array, " member"]) -> State:
    """The state, the learning rate of every member that makes no error on its training set set to zero."""

    def errs(one: tuple[State, Array]) -> Array:
        member, its_data = one
        outputs = outputs_of(eqx.combine(member.parameters, program.structure), data.train_inputs[its_data])
        return jnp.any(wrong(outputs, data.train_targets[its_data]))

    mistaken = jax.lax.map(errs, (state, data_of), batch_size=_vectorised(program.together))
    return eqx.tree_at(lambda state: state.rate, state, jnp.where(mistaken, state.rate, jnp.zeros_like(state.rate)))
