"""A case whose truth has a closed form."""

from diagnosis.case import FACTORS, Case

LINEAR = Case(
    name="made", half="development", stratum="random", family="linear", population="dense", noise=0.5, number=3,
    settings={"features": "columns", "ridge": 0.0}, samples=60, octaves=0.0, size=20.0, time=None,
    factors=FACTORS, users=1,
)  # fmt: skip
