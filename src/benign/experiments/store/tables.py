"""The tables, as the newest migration leaves them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

# What the newest file in migrations/versions is called; a store that says so is opened without Alembic.
HEAD = "0003"
# Those whose tables are the same: a store that cannot be written is read as it is.
LIKE_HEAD = ("0002", HEAD)
VERSION_TABLE = "benign_schema"

# SQLite counts rows for a primary key of this very type only.
Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

run = Table(
    "benign_run",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("grid", Text, nullable=False),
    Column("declaration", Text),
    Column("created", Double, nullable=False),
    Column("mark", Text),
    Column("checksum", BigInteger),  # of id, name, grid, declaration and created
    Column("units", BigInteger),  # the sum of its units' numbers: one that is lost or changed changes it
    UniqueConstraint("id", name="benign_run_id"),
)

part = Table(
    "benign_part",
    metadata,
    Column("number", Number, primary_key=True),
    Column("key", Text, nullable=False),
    Column("sizes", LargeBinary, nullable=False),
    Column("times", LargeBinary, nullable=False),
    Column("metrics", Text, nullable=False),
    UniqueConstraint("key", name="benign_part_key"),
)

provenance = Table(
    "benign_provenance",
    metadata,
    Column("number", Number, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("content", Text, nullable=False),
    UniqueConstraint("hash", name="benign_provenance_hash"),
)

# A unit's number is never given again (autoincrement), so that a late result of a deleted unit meets no other unit.
unit = Table(
    "benign_unit",
    metadata,
    Column("id", Number, primary_key=True),
    Column("cell", Text, nullable=False),
    Column("part", Number, ForeignKey("benign_part.number"), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("driver", Text),
    Column("size", BigInteger),
    Column("seconds", Double),
    Column("peak_bytes", BigInteger),
    Column("provenance", Number, ForeignKey("benign_provenance.number")),
    Column("finished", Double),
    Column("error", Text),
    Column("checksum", BigInteger),  # if done: of what its block is; else, once it was tried: of attempts and error
    Column("timed", Double),  # the seconds once more: a database that forms sums computes no checksums
    UniqueConstraint("cell", "part", name="benign_unit_cell_part"),
    CheckConstraint("state IN ('planned', 'running', 'done', 'failed')", name="benign_unit_state"),
    CheckConstraint("(state = 'running') = (driver IS NOT NULL)", name="benign_unit_running"),
    CheckConstraint("(state = 'done') = (size IS NOT NULL)", name="benign_unit_done"),
    sqlite_autoincrement=True,
)
Index(
    "benign_unit_driver",
    unit.c.driver,
    sqlite_where=unit.c.driver.is_not(None),
    postgresql_where=unit.c.driver.is_not(None),
)

# Apart from the units: reading a hundred thousand states must not turn the pages of their blocks.
block = Table(
    "benign_block",
    metadata,
    Column("unit", Number, ForeignKey("benign_unit.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
)

member = Table(
    "benign_member",
    metadata,
    Column("run", Number, ForeignKey("benign_run.number", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("unit", Number, ForeignKey("benign_unit.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Index("benign_member_unit", "unit"),
    sqlite_with_rowid=False,
)

driver = Table(
    "benign_driver",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("started", Double, nullable=False),
    Column("heartbeat", Double, nullable=False),
)
