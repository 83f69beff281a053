"""Checksums for what is read, and the mark by which an installation knows its own declarations.

What was damaged before this migration gets a checksum that fits it: that cannot be seen any more.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from benign.experiments.store.checksums import checksum

revision = "0002"
down_revision = "0001"

_ROWS = 1_000
_BYTES = 8 * 2**20


def upgrade() -> None:
    """Add the columns, then fill them."""
    op.add_column("benign_run", sa.Column("mark", sa.Text))
    op.add_column("benign_run", sa.Column("checksum", sa.BigInteger))
    op.add_column("benign_run", sa.Column("units", sa.BigInteger))
    op.add_column("benign_unit", sa.Column("checksum", sa.BigInteger))
    op.add_column("benign_unit", sa.Column("timed", sa.Double))
    connection = op.get_bind()
    _fill(
        connection,
        "UPDATE benign_run SET checksum = :checksum,"
        " units = (SELECT sum(unit) FROM benign_member WHERE run = benign_run.number) WHERE number = :number",
        "SELECT number, id, name, grid, declaration, created FROM benign_run WHERE number IN :numbers",
        _batches(connection, "SELECT number, length(grid) FROM benign_run"),
    )
    _fill(
        connection,
        "UPDATE benign_unit SET checksum = :checksum, timed = seconds WHERE id = :number",
        "SELECT u.id, u.cell, p.key, u.seconds, u.peak_bytes, u.provenance, b.payload"
        " FROM benign_unit u JOIN benign_part p ON p.number = u.part JOIN benign_block b ON b.unit = u.id"
        " WHERE u.id IN :numbers",
        _batches(connection, "SELECT id, size FROM benign_unit WHERE state = 'done'"),
    )
    _fill(
        connection,
        "UPDATE benign_unit SET checksum = :checksum WHERE id = :number",
        "SELECT u.id, u.cell, p.key, u.attempts, u.error"
        " FROM benign_unit u JOIN benign_part p ON p.number = u.part WHERE u.id IN :numbers",
        _batches(connection, "SELECT id, length(error) FROM benign_unit WHERE state <> 'done' AND error IS NOT NULL"),
    )


def _fill(connection: sa.Connection, update: str, select: str, batches: Iterator[list[int]]) -> None:
    chosen = sa.text(select).bindparams(sa.bindparam("numbers", expanding=True))
    for numbers in batches:
        rows = connection.execute(chosen, {"numbers": numbers}).all()
        if rows:
            connection.execute(
                sa.text(update), [{"number": number, "checksum": _checksum(*facts)} for number, *facts in rows]
            )


def _checksum(*facts: object) -> int:
    *others, last = facts
    return checksum(*others, payload=bytes(last)) if isinstance(last, bytes) else checksum(*facts)


def _batches(connection: sa.Connection, numbers_and_lengths: str) -> Iterator[list[int]]:
    """Not more rows at once than fit in a few megabytes."""
    batch: list[int] = []
    held = 0
    for number, length in connection.execute(sa.text(numbers_and_lengths)).all():
        batch.append(number)
        held += length if isinstance(length, int) else 0
        if len(batch) == _ROWS or held >= _BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
