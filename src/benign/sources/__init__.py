"""Where samples come from: sources draw splits, with their label noise. Importing this loads no scikit-learn."""

from __future__ import annotations

from benign.sources.data_frame import frame
from benign.sources.dataset import dataset
from benign.sources.finite import FiniteData, FiniteSource, arrays
from benign.sources.functions import FunctionSource, function, mml
from benign.sources.images import digits, mnist
from benign.sources.label_noise import add_gaussian, flip_labels, flipped_positions
from benign.sources.mnist1d import Mnist1dSource, mnist1d
from benign.sources.protocol import Source
from benign.sources.table_file import table

__all__ = [
    "FiniteData",
    "FiniteSource",
    "FunctionSource",
    "Mnist1dSource",
    "Source",
    "add_gaussian",
    "arrays",
    "dataset",
    "digits",
    "flip_labels",
    "flipped_positions",
    "frame",
    "function",
    "mml",
    "mnist",
    "mnist1d",
    "table",
]
