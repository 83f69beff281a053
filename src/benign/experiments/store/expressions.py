"""SQL that SQLite and PostgreSQL spell differently, behind one name each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

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


class Clock(FunctionElement[float]):
    """Seconds since 1970 by the store's clock, which all its drivers share."""

    name = "clock"
    type = Double()
    inherit_cache = True


@compiles(Clock, "sqlite")
def _sqlite_clock(_: Clock, _compiler: SQLCompiler, **_options: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(Clock, "postgresql")
def _postgresql_clock(_: Clock, _compiler: SQLCompiler, **_options: object) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


class _Elements(FunctionElement[str]):
    """The elements of a JSON array, one a row, in the column ``value``."""

    name = "elements"
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _sqlite_elements(element: _Elements, compiler: SQLCompiler, **options: object) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _postgresql_elements(element: _Elements, compiler: SQLCompiler, **options: object) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **options)} AS JSONB))"


class _Entry(FunctionElement[str]):
    """An entry of a JSON array, by its position."""

    name = "entry"
    type = String()
    inherit_cache = True


@compiles(_Entry, "sqlite")
def _sqlite_entry(element: _Entry, compiler: SQLCompiler, **options: object) -> str:
    array, position = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({array}, '$[' || {position} || ']')"


@compiles(_Entry, "postgresql")
def _postgresql_entry(element: _Entry, compiler: SQLCompiler, **options: object) -> str:
    array, position = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({array} ->> {position})"


class _Among(FunctionElement[Any]):
    """Whether a column's value is in a subquery; PostgreSQL's planner takes an index for an array, however few rows."""

    name = "among"
    type = NullType()  # a Boolean would be compared with 1, and SQLite would take no index
    inherit_cache = True


@compiles(_Among, "sqlite")
def _sqlite_among(element: _Among, compiler: SQLCompiler, **options: object) -> str:
    value, subquery = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{value} IN {subquery}"


@compiles(_Among, "postgresql")
def _postgresql_among(element: _Among, compiler: SQLCompiler, **options: object) -> str:
    value, subquery = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{value} = ANY(ARRAY{subquery})"


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
