"""Where what was measured is kept: one SQLite file by default, PostgreSQL by URL. Only this room knows SQLAlchemy."""

from benign.experiments.store.database import Store
from benign.experiments.store.errors import StoreUnusable
from benign.experiments.store.locations import default_location

__all__ = ["Store", "StoreUnusable", "default_location"]
