"""Modules of the user's own, of Equinox or Flax, as procedures: trained as populations like the built-in ones."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from benign.foundation.errors import MissingExtra
from benign.foundation.numbers import checked_count
from benign.foundation.signatures import check_takes, signature_of
from benign.foundation.split import Split
from benign.networks.devices import DeviceName, require_jax
from benign.networks.training import Training
from benign.procedures import network_training
from benign.procedures.foreign_settings import code_of
from benign.procedures.protocol import check_max_size, check_names

if TYPE_CHECKING:
    from benign.networks.foreign_family import ForeignFamily, ModuleBuilder

_TRAINING = Training()
Build = Callable[..., Any]
"""``build(size, key)``, ``build(size)`` or ``build(size, rngs)``, which returns a module."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JaxModule:
    """A user's modules as a procedure; :func:`from_equinox` and :func:`from_flax` make it.

    Attributes:
        builder: builds modules, and knows what of one is trained.
        library: ``"equinox"`` or ``"flax"``.
        name: what titles and messages call it.
        revision: raised by the user when the numbers change.
        code: what in the key stands for the builder's code: a revision alone, a digest, or a token of this object.
        training: how a module is trained.
        size_name: what a size counts.
        max_size: the largest size.
        device: where it is trained; not part of what decides the numbers.

    Raises:
        InvalidArgument: for settings that cannot be used.
    """

    runs_users_code: ClassVar[bool] = True
    retrained = network_training.retrained
    check = network_training.check
    batches = network_training.batches
    measure = network_training.measure
    predict = network_training.predict

    builder: ModuleBuilder
    library: str
    name: str
    revision: int
    code: str
    training: Training
    size_name: str
    max_size: float
    device: DeviceName

    def __post_init__(self) -> None:
        network_training.check_settings(self)
        check_names(name=self.name, size_name=self.size_name)
        check_max_size(self.max_size)

    @property
    def time_name(self) -> str:
        return self.training.time_name

    @property
    def objective(self) -> str:
        return self.training.loss

    def spec(self) -> dict[str, object]:
        """Code, training and the library's version, which decides how a module is initialised."""
        return {
            "procedure": self.name,
            "kind": f"{self.library} module",
            "code": self.code,
            "training": self.training.spec(),
            self.library: version(self.library),
        }

    def parameters(self, size: int, split: Split) -> int:
        """Number of trained parameters, counted in a module that is built once."""
        columns, outputs = split.train_inputs.shape[1], split.train_targets.shape[1]
        return self.family_of(split).parameters(size, inputs=columns, outputs=outputs)

    def family_of(self, split: Split) -> ForeignFamily:
        """Its networks for samples of the split's shape."""
        from benign.networks.foreign_family import ForeignFamily

        return ForeignFamily(
            builder=self.builder,
            code=f"{self.library} {self.code}",
            shape=split.shape or split.train_inputs.shape[1:],
            precision=self.training.precision,
            device=self.device,
        )

    def train(self, request: network_training.Request) -> network_training.Recordings:
        return network_training.train_widths(self.family_of(request.splits[0]), self.training, request)


def from_equinox(
    build: Build,
    *,
    training: Training = _TRAINING,
    size_name: str = "width",
    max_size: float = math.inf,
    device: DeviceName = None,
    name: str | None = None,
    revision: int | None = None,
) -> JaxModule:
    """Make Equinox modules of any architecture a procedure, trained as populations.

    ``build(size, key)`` returns an ``equinox.Module`` that is called on one sample in its shape (channels x height x
    width of an image, else a row) and gives one output a class (K logits) or a target (K values). All its arrays of
    real numbers are trained, unless it stops their gradient itself; other arrays stay as they are. All random numbers
    must come from the key, which follows from the size and the replicate's seed and initialisation, and modules of one
    size may differ in their weights alone. A module with a state (batch normalisation), or one that draws random
    numbers when it is called (dropout), is for :func:`from_training_loop`.

    Args:
        build: the function.
        training: how a module is trained: loss, optimiser, duration, precision.
        size_name: what a size counts, for axes.
        max_size: the largest size, ``math.inf`` where there is no end.
        device: ``"cpu"``, ``"gpu"`` or None for JAX's own choice; not part of what decides the numbers.
        name: what titles call it, ``build``'s own name unless said; part of the key.
        revision: to be raised whenever an edit changes the numbers. Without it the source text of ``build`` stands for
            it, with that of your own functions and classes that it names, and plain constants; not arrays and other
            objects. Where there is no text, no block is ever reused.

    Raises:
        InvalidArgument: for a function that cannot be called so, or settings that cannot be used; once it is measured,
            for a module that cannot be trained so.
        MissingExtra: without JAX; ``pip install "benign[networks]"`` brings it.

    >>> import equinox as eqx
    >>> def perceptron(size, key):
    ...     return eqx.nn.MLP(64, 10, size, depth=2, key=key)
    >>> import benign
    >>> procedure = from_equinox(perceptron)
    >>> procedure.parameters(8, benign.sources.digits().draw(20, benign.Replicate()))  # 65 * 8 + 9 * 8 + 9 * 10
    682
    """
    require_jax("`from_equinox`")
    from benign.networks.equinox_modules import EquinoxBuilder

    check_takes("build", build, "size", "key")
    name, revision = _name_of(build, name), _checked_revision(revision)
    return JaxModule(
        builder=EquinoxBuilder(build=build, name=name),
        library="equinox",
        name=name,
        revision=revision or 1,
        code=code_of(build, revision),
        training=training,
        size_name=size_name,
        max_size=max_size,
        device=device,
    )


def from_flax(
    build: Build,
    *,
    training: Training = _TRAINING,
    size_name: str = "width",
    max_size: float = math.inf,
    device: DeviceName = None,
    name: str | None = None,
    revision: int | None = None,
) -> JaxModule:
    """Make Flax modules of any architecture a procedure, trained as populations.

    ``build(size)`` returns a ``flax.linen.Module``, or ``build(size, rngs)`` a ``flax.nnx.Module``. As Flax has it, a
    module is called on a batch: here on samples in their shape (batch x channels x height x width of images: where it
    wants channels last, let it begin with ``jnp.moveaxis(x, 1, -1)``), and gives batch x K outputs. All its parameters
    are trained. The rest is as in :func:`from_equinox`, and so are the arguments.

    Raises:
        InvalidArgument: as :func:`from_equinox`.
        MissingExtra: without JAX or Flax; ``pip install "benign[networks]" flax`` brings them.
    """
    require_jax("`from_flax`")
    if importlib.util.find_spec("flax") is None:
        raise MissingExtra("`from_flax` needs the package 'flax'; install it with: pip install flax")
    from benign.networks.flax_modules import FlaxBuilder

    takes_rngs = _takes_rngs(build)
    check_takes("build", build, *(["size", "rngs"] if takes_rngs else ["size"]))
    name, revision = _name_of(build, name), _checked_revision(revision)
    return JaxModule(
        builder=FlaxBuilder(build=build, takes_rngs=takes_rngs, name=name),
        library="flax",
        name=name,
        revision=revision or 1,
        code=code_of(build, revision),
        training=training,
        size_name=size_name,
        max_size=max_size,
        device=device,
    )


def _takes_rngs(build: Build) -> bool:
    """Whether it takes a second argument by position, or must be given one called so."""
    try:
        signature_of(build).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


def _name_of(build: Build, name: str | None) -> str:
    return getattr(build, "__name__", type(build).__name__) if name is None else name


def _checked_revision(revision: int | None) -> int | None:
    return None if revision is None else checked_count("revision", revision)
