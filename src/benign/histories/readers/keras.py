"""What Keras records: the ``History`` that ``fit`` returns, and the file of the callback ``CSVLogger``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benign.histories.log import Log
from benign.histories.readers.delimited import layout_of, table_of
from benign.histories.readers.mapping import logs_of_series
from benign.histories.readers.protocol import File, Opened, Value
from benign.histories.readers.table import logs_in
from benign.histories.role import Role

_ROLES = {"loss": Role(samples="train", quantity="loss")}


@dataclass(frozen=True, kw_only=True)
class KerasHistory:
    """The object that ``fit`` returns: ``history``, a dict of lists, and ``epoch``, which counts from 0."""

    name: str = "Keras History"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, Value) or opened.path:
            return 0.0
        recorded, epochs = getattr(opened.value, "history", None), getattr(opened.value, "epoch", None)
        return 0.9 if isinstance(recorded, Mapping) and isinstance(epochs, list) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, Value)
        fitted: Any = opened.value
        for log in logs_of_series({"epoch": fitted.epoch, **fitted.history}, format=self.name):
            yield replace(log, roles=_ROLES)


@dataclass(frozen=True, kw_only=True)
class KerasCsvLogger:
    """``epoch`` from 0, the metrics in the order of the alphabet, ``NA`` where one is missing."""

    name: str = "Keras CSVLogger"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary or (layout := layout_of(opened.beginning)) is None:
            return 0.0
        first, *metrics = layout.names
        is_sorted = len(metrics) > 1 and metrics == sorted(metrics)  # one alone is in every order
        return 0.6 if first == "epoch" and "loss" in metrics and is_sorted else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        for log in logs_in(table_of(opened), format=self.name, path=str(opened.path)):
            yield replace(log, roles=_ROLES)
