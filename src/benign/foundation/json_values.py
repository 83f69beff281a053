"""Results as JSON takes them, and as a JSON Schema describes them."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any


def plain(value: object) -> Any:
    """The value as JSON takes it: dataclasses as objects, what is no finite number as None, what JSON lacks in words.

    >>> plain({2: (math.nan, 0.5)})
    {'2': [None, 0.5]}
    """
    if isinstance(value, enum.Enum) and not isinstance(value, str):
        value = value.name.lower()
    if is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if hasattr(value, "tolist"):  # of NumPy
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else str(value)


def record(**parts: Any) -> dict[str, Any]:
    """The schema of an object that has all of these."""
    return {"type": "object", "properties": parts, "required": list(parts)}


def or_null(one: dict[str, Any]) -> dict[str, Any]:
    """The schema of what one describes, or of null."""
    return {"anyOf": [one, {"type": "null"}]}
