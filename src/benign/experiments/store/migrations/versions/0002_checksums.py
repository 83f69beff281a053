"""Checksums for what is read, and the mark by which an installation knows its own declarations.

What was damaged before this migration gets a checksum that fits it: that cannot be seen any more.
"""

import sqlalchemy as sa
from alembic import op

from benign.experiments.store.checksums import checksum

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, then fill them."""
    op.add_column("benign_run", sa.Column("mark", sa.Text))
    op.add_column("benign_run", sa.Column("checksum", sa.BigInteger))
    op.add_column("benign_run", sa.Column("units", sa.BigInteger))
    op.add_column("benign_unit", sa.Column("checksum", sa.BigInteger))
    op.add_column("benign_unit", sa.Column("timed", sa.Double))
    _fill(
        "SELECT number FROM benign_run",
        "SELECT id, name, grid, declaration, created FROM benign_run WHERE number = :number",
        "UPDATE benign_run SET checksum = :checksum,"
        " units = (SELECT sum(unit) FROM benign_member WHERE run = benign_run.number) WHERE number = :number",
    )
    _fill(
        "SELECT id FROM benign_unit WHERE state = 'done'",
        "SELECT u.cell, p.key, u.seconds, u.peak_bytes, u.provenance, b.payload"
        " FROM benign_unit u JOIN benign_part p ON p.number = u.part JOIN benign_block b ON b.unit = u.id"
        " WHERE u.id = :number",
        "UPDATE benign_unit SET checksum = :checksum, timed = seconds WHERE id = :number",
    )
    _fill(
        "SELECT id FROM benign_unit WHERE state <> 'done' AND error IS NOT NULL",
        "SELECT u.cell, p.key, u.attempts, u.error"
        " FROM benign_unit u JOIN benign_part p ON p.number = u.part WHERE u.id = :number",
        "UPDATE benign_unit SET checksum = :checksum WHERE id = :number",
    )


def _fill(numbers: str, select: str, update: str) -> None:
    """One row at a time: they may be large."""
    connection, chosen, updated = op.get_bind(), sa.text(select), sa.text(update)
    for number in connection.scalars(sa.text(numbers)).all():
        for facts in connection.execute(chosen, {"number": number}).all():
            connection.execute(updated, {"number": number, "checksum": _checksum(*facts)})


def _checksum(*facts: object) -> int:
    *others, last = facts
    return checksum(*others, payload=bytes(last)) if isinstance(last, bytes) else checksum(*facts)
