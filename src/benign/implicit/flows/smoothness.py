"""Whether a loss is smooth along a path: kinks, as of ReLU, break every order that backward error analysis predicts."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.implicit.flows.modified_loss import Loss

_PARTS = 4
_SMOOTH = 0.15  # of what is left after refining: smooth 1/16, a jump of the Hessian 1/4, a jump of the gradient 1
_ROUNDING = 1e-10  # of the gradient's whole change


def is_smooth_along(loss: Loss, path: Float[np.ndarray, "points m"]) -> bool:
    r"""Whether the gradient's changes along the chords of a path are what the Hessian says, better so on finer chords.

    On a chord d from theta to theta' the trapezoidal rule misses g(theta') - g(theta) - (H + H') d / 2 = O(|d|^3) where
    the loss is smooth: cutting each chord into four leaves a sixteenth of the sum. A jump of the gradient stays
    whole. What the path does not cross is not seen.
    """
    step = np.diff(path, axis=0) / _PARTS
    coarse, change = _missed(loss, path[:-1], path[1:])
    fine = sum(float(_missed(loss, path[:-1] + k * step, path[:-1] + (k + 1) * step)[0]) for k in range(_PARTS))
    return fine <= max(_SMOOTH * float(coarse), _ROUNDING * float(change))


@partial(jax.jit, static_argnums=0)
def _missed(
    loss: Loss, starts: Float[Array, "chords m"], ends: Float[Array, "chords m"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """What the trapezoidal rule misses, and the gradient's change, both summed over the chords."""
    gradient_of = jax.grad(loss)

    def on_chord(pair: tuple[Float[Array, " m"], Float[Array, " m"]]) -> Float[Array, "2"]:
        chord = pair[1] - pair[0]
        before, after = (jax.jvp(gradient_of, (end,), (chord,)) for end in pair)
        change = after[0] - before[0]
        return jnp.stack([jnp.linalg.norm(change - 0.5 * (before[1] + after[1])), jnp.linalg.norm(change)])

    sums = jnp.sum(jax.lax.map(on_chord, (starts, ends)), axis=0)
    return sums[0], sums[1]
