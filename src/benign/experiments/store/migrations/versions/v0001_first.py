"""The first schema: the tables of today without what later migrations add.

A new store is made with the tables of today, so there is nothing to do.
"""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing."""
