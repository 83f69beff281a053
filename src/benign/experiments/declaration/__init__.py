"""An experiment as a user declares it: a TOML file or Python, validated, resolved to a grid and what measures it."""

from benign.experiments.declaration.axes import Range
from benign.experiments.declaration.execution import Execution
from benign.experiments.declaration.experiment import Crossed, Experiment
from benign.experiments.declaration.problems import InvalidDeclaration, Origin, Problem
from benign.experiments.declaration.resolution import Resolved, resolve

__all__ = [
    "Crossed",
    "Execution",
    "Experiment",
    "InvalidDeclaration",
    "Origin",
    "Problem",
    "Range",
    "Resolved",
    "resolve",
]
