"""What somebody's data set calls its classes, where its labels are numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benign.foundation.arguments import is_writable
from benign.foundation.errors import invalid
from benign.sources.tables import Targets, array_targets


@dataclass(frozen=True, kw_only=True)
class ClassNames:
    """Names in the order of the numbers that stand for them.

    Attributes:
        names: all different.
        are_certain: whether they are known to be those of the labels, whichever of these occur; else only where all
            do, for a transform may have made other labels of them.
    """

    names: tuple[str, ...]
    are_certain: bool


def class_names(data: Any) -> ClassNames | None:
    """What a data set calls its classes, or the ones that it is a part of, or joins.

    Those of torchvision have ``classes``, those of Hugging Face ``features`` one of which has ``names``.
    """
    try:
        found = _names_in(data)
    except Exception:  # something of somebody's own: then they are called by their numbers
        return None
    return None if found is None else ClassNames(names=found, are_certain=False)


def _names_in(data: Any) -> tuple[str, ...] | None:
    features = getattr(data, "features", None)
    labels = [each.names for each in features.values() if hasattr(each, "names")] if features else []
    names = labels[0] if len(labels) == 1 else getattr(data, "classes", None)
    if isinstance(names, (list, tuple)) and all(type(name) is str and is_writable(name) for name in names):
        return tuple(names) if names and len(set(names)) == len(names) else None
    if parts := getattr(data, "datasets", None):
        found = {_names_in(part) for part in parts}
        return found.pop() if len(found) == 1 else None
    inner = getattr(data, "dataset", None)
    return None if inner is None else _names_in(inner)


def named_targets(targets: Sequence[object], *, task: str, names: ClassNames | None) -> Targets:
    """Targets by the rules of :func:`arrays`; numbers that have names are classes, however many they are.

    Raises:
        InvalidArgument: if they cannot be learnt.
    """
    task = "classification" if task == "auto" and names is not None and _are_places(targets, names) else task
    given: Any = list(targets)
    rows, classes = array_targets(given, task=task, rows=len(targets), argument="target")
    return rows, called(classes, names)


def _are_places(targets: Sequence[object], names: ClassNames) -> bool:
    if any(type(label) is not int for label in targets):
        return False
    return names.are_certain or {*targets} <= {*range(len(names.names))}


def called(classes: tuple[str, ...] | None, names: ClassNames | None) -> tuple[str, ...] | None:
    """The names of classes that so far are called by their numbers.

    Raises:
        InvalidArgument: for a number that certainly has no name.
    """
    if classes is None or names is None:
        return classes
    places = [str(place) for place in range(len(names.names))]
    if names.are_certain and (nameless := [label for label in classes if label not in places]):
        found = f"got {nameless[0]}, which says that there is none, as a rule; leave such samples out"
        raise invalid("target", f"must be a place among the {len(places)} classes, {found}.")
    if names.are_certain or set(classes) == set(places):
        return tuple(names.names[int(label)] for label in classes)
    return classes
