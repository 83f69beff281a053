"""SQL that SQLite and PostgreSQL spell differently, behind one name each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Connection, Double, String, Table, bindparam, cast, column, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, Text, TypeEngine

T = TypeVar("T")

# Long enough that statements do not count, short enough that one list is a megabyte.
BATCH = 10_000


class _Spelled(FunctionElement[Any]):
    """What each dialect spells in its own way, around its clauses."""

    spelling: ClassVar[Mapping[str, str]]


@compiles(_Spelled)
def _spelled(element: _Spelled, compiler: SQLCompiler, **options: object) -> str:
    clauses = [compiler.process(clause, **options) for clause in element.clauses]
    return element.spelling[compiler.dialect.name].format(*clauses)


class Clock(_Spelled):
    """Seconds since 1970 by the store's clock, which all its drivers share."""

    name = "clock"
    type = Double()
    inherit_cache = True
    spelling: ClassVar = {
        "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
        "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
    }


class _Elements(_Spelled):
    """The elements of a JSON array, one a row, in the column ``value``."""

    name = "elements"
    inherit_cache = True
    spelling: ClassVar = {"sqlite": "json_each({})", "postgresql": "jsonb_array_elements(CAST({} AS JSONB))"}


class _Entry(_Spelled):
    """An entry of a JSON array, by its position."""

    name = "entry"
    type = String()
    inherit_cache = True
    spelling: ClassVar = {"sqlite": "json_extract({}, '$[' || {} || ']')", "postgresql": "({} ->> {})"}


class _Among(_Spelled):
    """Whether a column's value is in a subquery; PostgreSQL's planner takes an index for an array, however few rows."""

    name = "among"
    type = NullType()  # a Boolean would be compared with 1, and SQLite would take no index
    inherit_cache = True
    spelling: ClassVar = {"sqlite": "{} IN {}", "postgresql": "{} = ANY(ARRAY{})"}


def rows(name: str, *types: TypeEngine[Any]) -> list[ColumnElement[Any]]:
    """The columns of a table that travels as the one parameter ``name``, :func:`packed`, whatever its length.

    A list of ten thousand parameters would be parsed anew by each statement, and refused by some SQLite.
    """
    value = _Elements(bindparam(name, type_=Text())).table_valued(column("value", Text())).c.value
    return [cast(_Entry(value, literal_column(str(i))), type_) for i, type_ in enumerate(types)]


def among(values: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column's value is in the list that travels as the parameter ``name``, :func:`packed`."""
    return _Among(values, select(*rows(name, values.type)).scalar_subquery())


def packed(values: Iterable[object]) -> str:
    """Values, or tuples of values, as the parameter that :func:`among` and :func:`rows` read."""
    entries = [value if isinstance(value, tuple) else (value,) for value in values]
    return json.dumps(entries, separators=(",", ":"))


def inserting(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def batches(values: Iterable[T], length: int = BATCH) -> Iterator[list[T]]:
    """Lists of up to ``length`` values."""
    rest = iter(values)
    while batch := list(islice(rest, length)):
        yield batch
