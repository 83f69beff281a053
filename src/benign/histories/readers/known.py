"""All readers, one line each."""

from __future__ import annotations

from benign.histories.readers.boosting import CATBOOST, LIGHTGBM, XGBOOST
from benign.histories.readers.catboost import CatBoost
from benign.histories.readers.csv_file import CsvFile
from benign.histories.readers.frame import DataFrame
from benign.histories.readers.hugging_face import TrainerState
from benign.histories.readers.json_lines import JsonLines
from benign.histories.readers.keras import KerasCsvLogger, KerasHistory
from benign.histories.readers.lightning import Lightning
from benign.histories.readers.mapping import DictOfSeries, ListOfDicts
from benign.histories.readers.mlflow import MlflowDatabase, MlflowFolders
from benign.histories.readers.parquet import Parquet
from benign.histories.readers.printed import PrintedLines
from benign.histories.readers.protocol import Reader
from benign.histories.readers.recorder import RecorderLog
from benign.histories.readers.scikit_learn import FittedEstimator, LearningCurve
from benign.histories.readers.tensorboard import TensorBoard
from benign.histories.readers.trackio import Trackio
from benign.histories.readers.ultralytics import Ultralytics
from benign.histories.readers.wandb import WandbChart, WandbHistory

READERS: tuple[Reader, ...] = (
    RecorderLog(),
    KerasHistory(),
    KerasCsvLogger(),
    Lightning(),
    TrainerState(),
    TensorBoard(),
    WandbChart(),
    WandbHistory(),
    MlflowDatabase(),
    MlflowFolders(),
    Trackio(),
    Ultralytics(),
    XGBOOST,
    LIGHTGBM,
    CATBOOST,
    CatBoost(),
    FittedEstimator(),
    LearningCurve(),
    DataFrame(),
    Parquet(),
    CsvFile(),
    JsonLines(),
    DictOfSeries(),
    ListOfDicts(),
    PrintedLines(),
)
"""Of several that match to the same degree, the first reads."""
