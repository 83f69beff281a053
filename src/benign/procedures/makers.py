"""What makes a procedure of the code that somebody has: told to one who gave the code itself."""

from __future__ import annotations

from collections.abc import Mapping

MAKERS = (
    "benign.from_estimator, benign.from_callable, benign.from_training_loop, benign.from_torch, benign.from_equinox or "
    "benign.from_flax"
)
# By the package of the class `Module`, so that asking imports nothing.
_OF_MODULES: Mapping[str, str] = {
    "torch": "benign.from_torch",
    "equinox": "benign.from_equinox",
    "flax": "benign.from_flax",
}


def maker_of(value: object) -> str:
    """What makes a procedure of a value, to follow "make one with"; all that does where none is known.

    >>> maker_of(3) == MAKERS
    True
    """
    return maker_of_module(value) or MAKERS


def maker_of_module(value: object) -> str:
    """What makes a procedure of a network, or of a class of networks; empty for anything else."""
    kind = value if isinstance(value, type) else type(value)
    packages = [base.__module__.partition(".")[0] for base in kind.__mro__ if base.__name__ == "Module"]
    makers = [_OF_MODULES[package] for package in packages if package in _OF_MODULES]
    return f"{makers[0]}(build), where build(size) returns the network" if makers else ""
