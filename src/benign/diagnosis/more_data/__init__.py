"""Will more data help or hurt? Rehearsed on parts of the data, on a synthetic twin, or tried where there are rows."""

from benign.diagnosis.more_data.methods import more_data as more_data

__all__ = ["more_data"]
