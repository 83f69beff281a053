"""Trainings of the user's model on parts of their data: what every answer of a diagnosis is measured by."""
