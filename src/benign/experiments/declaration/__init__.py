"""An experiment as a user declares it: a TOML file or Python, validated, resolved to a grid and what measures it."""

import warnings

from benign.experiments.declaration.experiment import Experiment
from benign.experiments.declaration.problems import InvalidDeclaration, Origin, Problem
from benign.experiments.declaration.resolution import resolve
from benign.experiments.declaration.tables import Crossed, DeclaredEnvironment, Range
from benign.experiments.running import Resolved

__all__ = [
    "Crossed",
    "DeclaredEnvironment",
    "Experiment",
    "InvalidDeclaration",
    "Origin",
    "Problem",
    "Range",
    "Resolved",
    "resolve",
]


def __getattr__(name: str) -> object:
    if name != "Execution":
        raise AttributeError(f"module 'benign.experiments.declaration' has no attribute {name!r}")
    warnings.warn(
        "benign.experiments.declaration.Execution is now DeclaredEnvironment there.", DeprecationWarning, stacklevel=2
    )
    return DeclaredEnvironment
