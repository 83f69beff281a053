"""JSON Schema of an experiment's TOML file, for editors that complete and check as one types."""

from __future__ import annotations

from pydantic import BaseModel

from benign.experiments.declaration.catalogue import PROCEDURE, SOURCE, Kind, Maker, find_maker, known_names
from benign.experiments.declaration.settings import Schema, expected_by, options, settings_of, table_type
from benign.experiments.declaration.tables import Crossed, DeclaredEnvironment, Range
from benign.schema import METRICS

_RANGE = Range.model_json_schema(by_alias=True)


def _axis(number: str, *words: str) -> Schema:
    numbers: list[Schema] = [{"type": number}, {"type": "array", "items": {"type": number}, "minItems": 1}, _RANGE]
    return {"anyOf": [*([{"enum": list(words)}] if words else []), *numbers]}


def experiment_schema(model: type[BaseModel]) -> Schema:
    """The model's own schema with the names and settings of the sources and procedures that come with the package."""
    schema: Schema = model.model_json_schema(by_alias=True)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    ours = {
        **{kind.word: _choice_schema(kind) for kind in (SOURCE, PROCEDURE)},
        "samples": _axis("integer", "every"),
        "sizes": _axis("integer", "every", "auto"),
        **dict.fromkeys(("times", "label_noise"), _axis("number")),
        "crossed": Crossed.model_json_schema(),
        "execution": DeclaredEnvironment.model_json_schema(),
        "metrics": {"type": "array", "items": {"enum": list(METRICS)}},
    }
    for key, said in ours.items():
        properties[key] = {**properties[key], **said}
    schema["description"] = "A grid of measurements, declared once."
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _choice_schema(kind: Kind) -> Schema:
    """A table of a built-in name with its settings, or a plug-in's with any; or a name alone."""
    plug_in: Schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "not": {"enum": sorted(kind.table)}}},
        "required": ["name"],
    }
    named = (_table_schema(find_maker(kind, name), name={"const": name}) for name in sorted(kind.table))
    return {"anyOf": [*named, plug_in, {"enum": known_names(kind)}]}


def _table_schema(maker: Maker, **fixed: Schema) -> Schema:
    """A table of a maker's settings, tables within it included, and of what is fixed."""
    properties, required = dict(fixed), list(fixed)
    for key, setting in settings_of(maker).items():
        properties[key] = {"description": expected_by(setting.annotation), **_value_schema(setting.annotation)}
        if isinstance(setting.default, (bool, int, float, str)):
            properties[key]["default"] = setting.default
        if setting.default is setting.empty:
            required.append(key)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _value_schema(hint: object) -> Schema:
    """What an annotation says of a JSON value; nothing where it says nothing that is known here."""
    table = table_type(hint)
    if table is not None:
        return _table_schema(table)
    known = [option.schema for option in options(hint) if option.schema]
    return {"anyOf": known} if known else {}
