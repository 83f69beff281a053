"""Blocks of format 2, which earlier versions would take for damaged ones; the tables stay as they are."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Do nothing: blocks of format 1 are read as they are."""
