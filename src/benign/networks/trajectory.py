"""A population's way through its recordings: the loop around the engine, with its batches and checkpoints."""

from __future__ import annotations

import math
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Int

from benign.foundation.errors import OutputFailed
from benign.foundation.progress import Progress
from benign.networks import engine
from benign.networks.checkpoints import Checkpoint, Snapshot, snapshot_of, stacked_rows
from benign.networks.recording import Data, Recorder
from benign.networks.sharing import Shared
from benign.networks.shuffles import batches
from benign.networks.training import CHECKED_EPOCHS

# Steps whose batches are sent to the device at once, and numbers of rows at most.
MOST_STEPS, _MOST_ROWS = 1024, 2**22
_FIRST_STEPS, _SECONDS_AT_ONCE = 32, 1.0
_EVALUATED_NUMBERS = 2**26


@dataclass(kw_only=True, eq=False)
class Trajectory:
    """One state on its way through the recordings."""

    program: engine.Program
    common: Shared
    recorder: Recorder
    steps: Int[np.ndarray, " time"]
    checkpoint: Checkpoint | None
    progress: Progress

    def finish(self, state: engine.State) -> tuple[engine.State, dict[str, np.ndarray]]:
        """Train to the last recording."""
        data = self._data()
        data_of, order_of = jax.device_put(
            [np.array(places, np.int32) for places in (self.common.data_of, self.common.order_of)]
        )
        structure, together = self.program.structure, self._evaluated_together(data)
        position = 0
        rows: list[dict[str, np.ndarray]] = []
        if self.checkpoint is not None and (snapshot := self.checkpoint.read()) is not None:
            row = eqx.filter_eval_shape(engine.record, structure, state, data, data_of, self.recorder, together)
            self.checkpoint.check(snapshot, jax.tree.leaves(state), row, self.steps)
            position, state, rows = _restored(state, snapshot)
        pace = _FIRST_STEPS
        with ThreadPoolExecutor(1) as beside:
            prepared = beside.submit(self._stretch, position, pace)
            while len(rows) < len(self.steps):
                if position == self.steps[len(rows)]:
                    values = engine.record(structure, state, data, data_of, self.recorder, together)
                    rows.append({name: np.asarray(value) for name, value in values.items()})
                    continue
                steps, chosen = prepared.result()
                prepared = beside.submit(self._stretch, position + steps, pace)  # while the device works
                began = time.perf_counter()
                state = engine.advance(
                    self.program,
                    state,
                    data,
                    data_of,
                    jax.device_put(chosen),
                    order_of,
                    *jax.device_put((np.array(position, np.int32), np.array(steps, np.int32))),
                )
                jax.block_until_ready(state)  # type: ignore[no-untyped-call]
                position += steps
                pace = _next_pace(pace, steps, time.perf_counter() - began)
                if self._checks and position % self._checks == 0:
                    state = engine.freeze_fitted(self.program, state, data, data_of)
                self.progress("training", position, int(self.steps[-1]) or 1)
                self._keep(position, state, rows)
        self._keep(position, state, rows)  # until every program is done: a later one may be interrupted
        return state, stacked_rows(rows)

    def _keep(self, position: int, state: engine.State, rows: list[dict[str, np.ndarray]]) -> None:
        """Write the checkpoint if it is time; training goes on where that fails, for it needs none to finish."""
        if self.checkpoint is None or not self.checkpoint.is_due:
            return
        try:
            self.checkpoint.write(_snapshot(position, state, rows))
        except OutputFailed as error:
            warnings.warn(f"{error} Training goes on without a checkpoint.", stacklevel=2)
            self.checkpoint = None

    @property
    def _checks(self) -> int:
        """Steps between two looks at who has fitted its training set; 0 where nobody is stopped for it."""
        return CHECKED_EPOCHS * self.program.per_epoch if self.program.training.stop_at_zero_error else 0

    @property
    def _samples(self) -> int:
        return self.common.data[0].samples

    @property
    def _batch(self) -> int:
        return self.program.training.batch_of(self._samples)

    @property
    def _capacity(self) -> int:
        fitting = _MOST_ROWS // (len(self.common.orders) * self._batch)
        return max(1, min(MOST_STEPS, self.program.total, fitting))

    def _stretch(self, start: int, pace: int) -> tuple[int, Int[np.ndarray, "order capacity batch"]]:
        """The steps of the next call, no further than the next recording, and their batches.

        The capacity is the same at every call, so that nothing is compiled again.
        """
        ahead = self.steps[self.steps > start]
        steps = min(pace, self._capacity, int(ahead[0]) - start) if len(ahead) else 0
        if self._checks:
            steps = min(steps, self._checks - start % self._checks)
        rows = np.zeros((len(self.common.orders), self._capacity, self._batch), dtype=np.int32)
        for place, replicate in enumerate(self.common.orders if steps else ()):
            rows[place, :steps] = batches(replicate, samples=self._samples, batch=self._batch, start=start, steps=steps)
        return steps, rows

    def _data(self) -> Data:
        dtype = np.dtype(self.program.training.precision)
        columns = ([getattr(split, name) for split in self.common.data] for name in Data._fields)
        return Data(*(jax.device_put(np.stack(column).astype(dtype)) for column in columns))

    def _evaluated_together(self, data: Data) -> int:
        """How many members are evaluated at once: each holds a copy of its data meanwhile."""
        numbers = math.prod(data.train_inputs.shape[1:]) + math.prod(data.test_inputs.shape[1:])
        most = max(1, min(self.program.together, _EVALUATED_NUMBERS // numbers))
        members = len(self.common.data_of)
        return max(k for k in range(1, most + 1) if members % k == 0)


def _next_pace(pace: int, steps: int, seconds: float) -> int:
    """Steps of the next call, towards one second; a call that was cut short by a recording teaches nothing."""
    if steps < pace:
        return pace
    return max(1, min(4 * pace, int(pace * _SECONDS_AT_ONCE / max(seconds, 1e-6))))


def _snapshot(position: int, state: engine.State, rows: list[dict[str, np.ndarray]]) -> Snapshot:
    return snapshot_of(position, [np.asarray(leaf) for leaf in jax.tree.leaves(state)], rows)


def _restored(state: engine.State, snapshot: Snapshot) -> tuple[int, engine.State, list[dict[str, np.ndarray]]]:
    leaves = [jax.device_put(leaf) for leaf in snapshot.state]
    return snapshot.step, jax.tree.unflatten(jax.tree.structure(state), leaves), snapshot.rows
