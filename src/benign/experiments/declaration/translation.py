"""Pydantic's errors in our own words: each field's description says what it expects."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from benign.experiments.declaration.problems import InvalidDeclaration, Origin, Problem, nearest
from benign.foundation.wording import shown


def translated(error: ValidationError, model: type[BaseModel]) -> InvalidDeclaration:
    """The same problems, each at its key: what is wrong, and what was expected."""
    problems: list[Problem] = []
    for detail in error.errors(include_url=False):
        cause = detail.get("ctx", {}).get("error")
        keys = tuple(str(part) for part in detail["loc"] if isinstance(part, str))
        if isinstance(cause, InvalidDeclaration):
            problems.extend(Problem((*keys, *problem.path), problem.text) for problem in cause.problems)
        else:
            problems.append(Problem(keys, _text(detail, keys, model)))
    return Origin().error(problems)


def _text(detail: ErrorDetails, keys: tuple[str, ...], model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return _no_such_key(keys, model)
    expected = _described(keys, model)
    if detail["type"] == "missing":
        return f"is missing; it must be {expected}."
    given = detail["input"]
    if isinstance(given, str) and "://" in given:  # may hold a password
        return f"must be {expected}."
    return f"must be {expected}, got {shown(given)}."


def _no_such_key(keys: tuple[str, ...], model: type[BaseModel]) -> str:
    *tables, key = keys
    for table in tables:
        model = _table(model, table) or model
    known = sorted(fields_of(model))
    for name in known:
        inner = _table(model, name)
        if inner is not None and key in fields_of(inner):
            return f"there is no such key here; write it as {name}.{key}."
    return f"there is no such key; {nearest(key, known)}"


def fields_of(model: type[BaseModel]) -> dict[str, str]:
    """The keys of a model as they are written, each with what it expects."""
    return {_key(name, field): field.description or "a value" for name, field in model.model_fields.items()}


def _key(name: str, field: FieldInfo) -> str:
    """How a field is written; ``start`` is written ``from``, which Python keeps for itself."""
    return field.validation_alias if isinstance(field.validation_alias, str) else name


def _described(keys: tuple[str, ...], model: type[BaseModel]) -> str:
    expected = "a table"
    for key in keys:
        expected = fields_of(model).get(key, expected)
        model = _table(model, key) or model
    return expected


def _table(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The model of a key that is a table, or None."""
    for name, field in model.model_fields.items():
        if key == _key(name, field):
            kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
            return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    return None
