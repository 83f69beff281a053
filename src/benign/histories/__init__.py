"""Training logs that somebody recorded: reading them, what they show, and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.histories.answer import Triage as Triage
    from benign.histories.answer import Triages as Triages
    from benign.histories.calibration import calibrate as calibrate
    from benign.histories.calibration import refine as refine
    from benign.histories.finding import CODES as CODES
    from benign.histories.finding import Finding as Finding
    from benign.histories.history import History as History
    from benign.histories.recorders.hugging_face import TrainerRecorder as TrainerRecorder
    from benign.histories.recorders.keras import KerasRecorder as KerasRecorder
    from benign.histories.recorders.lightning import LightningRecorder as LightningRecorder
    from benign.histories.recorders.partial_fit import PartialFitRecorder as PartialFitRecorder
    from benign.histories.recorders.pytorch import TorchRecorder as TorchRecorder
    from benign.histories.schema import json_schema as json_schema
    from benign.histories.triaging import triage as triage

__all__ = list(load_on_first_use(globals()))
