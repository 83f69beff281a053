"""The first schema: runs, the units they share, their blocks, and the drivers that measure them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _create_runs_and_parts()
    _create_units()
    _create_what_hangs_on_units()


def _create_runs_and_parts() -> None:
    op.create_table(
        "benign_run",
        sa.Column("number", _Number, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("grid", sa.Text, nullable=False),
        sa.Column("declaration", sa.Text),
        sa.Column("created", sa.Double, nullable=False),
        sa.UniqueConstraint("id", name="benign_run_id"),
    )
    op.create_table(
        "benign_part",
        sa.Column("number", _Number, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("sizes", sa.LargeBinary, nullable=False),
        sa.Column("times", sa.LargeBinary, nullable=False),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.UniqueConstraint("key", name="benign_part_key"),
    )
    op.create_table(
        "benign_provenance",
        sa.Column("number", _Number, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.UniqueConstraint("hash", name="benign_provenance_hash"),
    )


def _create_units() -> None:
    op.create_table(
        "benign_unit",
        sa.Column("id", _Number, primary_key=True),
        sa.Column("cell", sa.Text, nullable=False),
        sa.Column("part", _Number, sa.ForeignKey("benign_part.number"), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("driver", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("seconds", sa.Double),
        sa.Column("peak_bytes", sa.BigInteger),
        sa.Column("provenance", _Number, sa.ForeignKey("benign_provenance.number")),
        sa.Column("finished", sa.Double),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("cell", "part", name="benign_unit_cell_part"),
        sa.CheckConstraint("state IN ('planned', 'running', 'done', 'failed')", name="benign_unit_state"),
        sa.CheckConstraint("(state = 'running') = (driver IS NOT NULL)", name="benign_unit_running"),
        sa.CheckConstraint("(state = 'done') = (size IS NOT NULL)", name="benign_unit_done"),
        sqlite_autoincrement=True,
    )
    held = sa.text("driver IS NOT NULL")
    op.create_index("benign_unit_driver", "benign_unit", ["driver"], sqlite_where=held, postgresql_where=held)


def _create_what_hangs_on_units() -> None:
    op.create_table(
        "benign_block",
        sa.Column(
            "unit", _Number, sa.ForeignKey("benign_unit.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        ),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "benign_member",
        sa.Column(
            "run",
            _Number,
            sa.ForeignKey("benign_run.number", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "unit", _Number, sa.ForeignKey("benign_unit.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("benign_member_unit", "benign_member", ["unit"])
    op.create_table(
        "benign_driver",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("heartbeat", sa.Double, nullable=False),
    )
