"""Adapters that pass a run on to other people's trackers. None is required."""
