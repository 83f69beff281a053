"""What counts as fitted, and as critical, unless the user says otherwise: one number of each in the whole package."""

TOLERANCE = 0.02
"""A training set is fitted where the training risk is at most that share of the best constant predictor's."""
REGIME_BAND = 1.5
"""A training set is critical where EMC / n lies within this factor of 1."""
