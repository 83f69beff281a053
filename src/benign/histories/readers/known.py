"""All readers, one line each."""

from __future__ import annotations

from benign.histories.readers.csv_file import CsvFile
from benign.histories.readers.frame import DataFrame
from benign.histories.readers.hugging_face import TrainerState
from benign.histories.readers.json_lines import JsonLines
from benign.histories.readers.keras import KerasCsvLogger, KerasHistory
from benign.histories.readers.lightning import Lightning
from benign.histories.readers.mapping import DictOfSeries, ListOfDicts
from benign.histories.readers.printed import PrintedLines
from benign.histories.readers.protocol import Reader

READERS: tuple[Reader, ...] = (
    KerasHistory(),
    KerasCsvLogger(),
    Lightning(),
    TrainerState(),
    DataFrame(),
    CsvFile(),
    JsonLines(),
    DictOfSeries(),
    ListOfDicts(),
    PrintedLines(),
)
"""Of several that match to the same degree, the first reads."""
