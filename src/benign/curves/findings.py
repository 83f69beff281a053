"""Findings: a claim of a paper as a statistical statement that holds, fails or is undecided on what was measured."""

from __future__ import annotations

import enum
import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

from benign.curves.fitting_threshold import finite
from benign.curves.mean_tests import MOST_REPLICATES, POWER, normal_quantile
from benign.foundation.number_words import format_number

LEVEL = 0.95
_MOST_EXPONENT = 709.0  # exp of more is no float64
# An interval must end this much farther from what it excludes, in units of its half-width, so that it excludes it in
# four fresh samples of five.
_ROOM = normal_quantile(POWER) / normal_quantile(0.5 * (1.0 + LEVEL))


class Verdict(enum.Enum):
    """What became of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"

    @property
    def sign(self) -> str:
        """One character: ✓, ✗ or ?."""
        return {Verdict.HOLDS: "✓", Verdict.FAILS: "✗", Verdict.UNDECIDED: "?"}[self]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One claim and what the measurement says of it.

    Attributes:
        name: identifier, for example ``"clean_peak_at_threshold"``.
        claim: the claim as a sentence without full stop.
        verdict: holds, fails or undecided.
        effect: the number that the claim is about.
        interval: of ``effect``.
        unit: of ``effect``.
        test: how the verdict was reached.
        replicates: how many were measured.
        paper: the paper's number or statement, beside ours; may be empty.
        needed_replicates: how many would decide an undecided claim in 80 % of fresh samples, if effect and spread stay
            as they are.
        p_value: the smallest level, as far as it was computed, at which the verdict stands; 1 where nothing is decided,
            NaN where no sample was tested.
        primary: how many primary claims share one level with it, itself included; 0 for a secondary claim, which is
            uncorrected; None where claims were not told apart.
    """

    name: str
    claim: str
    verdict: Verdict
    effect: float
    interval: tuple[float, float]
    unit: str
    test: str
    replicates: int
    paper: str
    needed_replicates: int | None
    p_value: float = math.nan
    primary: int | None = None

    @property
    def evidence(self) -> str:
        """How the verdict was reached, how large the sample was, and what would decide it."""
        role = f"primary, Holm over {self.primary}, " if self.primary else "secondary, "
        role = "" if self.primary is None else role
        text = f"{role}{self.test}, {self.replicates:,} replicates"
        return f"{text}; {self.outlook}, four times of five" if self.outlook else text

    @property
    def outlook(self) -> str:
        """How many replicates would decide an undecided claim; empty where nothing says so."""
        if self.verdict is not Verdict.UNDECIDED or self.needed_replicates is None:
            return ""
        return f"about {self.needed_replicates:,} replicates would decide it"

    @property
    def effect_words(self) -> str:
        """The effect with its interval as a reader says it: "a factor of 1.84 (1.74 to 1.93)"."""
        if math.isnan(self.effect):
            return "no number"
        (low, high), is_ratio = self.interval, self.unit.startswith("times (")
        if is_ratio and self.verdict is Verdict.FAILS and self.effect < 1.0:
            inverse, low, high = (1.0 / end if end else math.inf for end in (self.effect, high, low))
            return f"the other way round, by a factor of {_spread(inverse, low, high)}"
        if is_ratio:
            number = _spread(self.effect, low, high)
            return f"a factor of {number}" if self.effect >= 1.0 else number.replace(" ", " times ", 1)
        if self.unit.startswith("share of "):
            return f"{_spread(100.0 * self.effect, 100.0 * low, 100.0 * high, ' %')}{self.unit.removeprefix('share')}"
        return f"{_spread(self.effect, low, high)} {self.unit}".rstrip()

    def __str__(self) -> str:
        """One line: sign, claim, effect in words, and what would decide it."""
        verdict = {Verdict.HOLDS: "", Verdict.FAILS: "no, ", Verdict.UNDECIDED: "undecided; "}[self.verdict]
        text = f"{self.verdict.sign} {self.claim}: {verdict}{self.effect_words}"
        return f"{text}; {self.outlook}" if self.outlook else text

    @property
    def sentence(self) -> str:
        """Claim, verdict, numbers, test, and what would decide it."""
        text = f"{self.claim}: {self.verdict.value}; {self.effect_words} ({self.evidence})"
        return text + (f". Paper: {self.paper}." if self.paper else ".")

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; NaN and infinities become None."""
        role = None if self.primary is None else "primary" if self.primary else "secondary"
        numbers = {
            "verdict": self.verdict.value,
            "effect": finite(self.effect),
            "p_value": finite(self.p_value),
            "role": role,
            "interval": [finite(end) for end in self.interval],
            "sentence": self.sentence,
        }
        return {name: value for name, value in (asdict(self) | numbers).items() if name != "primary"}


def holm(findings: Sequence[Finding], primary: Collection[str], *, level: float = LEVEL) -> tuple[Finding, ...]:
    r"""The findings, with one level for all primary claims together (Holm 1979).

    The p-value of the k-th smallest of m becomes :math:`\max_{j \le k} \min(1, (m - j + 1)\, p_{(j)})`; a verdict whose
    p-value is then above 1 - ``level`` is taken back to undecided. A primary claim that was not tested on a sample (its
    p-value is NaN) is left as it is and does not count. The other findings are secondary and stay as they are.

    Args:
        findings: of one figure.
        primary: names of its primary claims; those that are not among the findings do not count.
        level: of all primary claims together.
    """
    tested = sorted(
        (f for f in findings if f.name in primary and not math.isnan(f.p_value)), key=lambda f: (f.p_value, f.name)
    )
    adjusted, largest = {}, 0.0
    for rank, finding in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * finding.p_value))
        adjusted[finding.name] = _adjusted(finding, largest, len(tested), 1.0 - level)
    return tuple(adjusted.get(f.name, replace(f, primary=int(f.name in primary))) for f in findings)


def _adjusted(finding: Finding, p_value: float, count: int, alpha: float) -> Finding:
    """The finding at its adjusted p-value; an undecided one needs more replicates, for the level is shared."""
    if p_value <= alpha * (1.0 + 1e-9):
        return replace(finding, p_value=p_value, primary=count)
    shared, room = normal_quantile(1.0 - alpha / count), normal_quantile(POWER)
    needed = finding.needed_replicates
    if finding.verdict is not Verdict.UNDECIDED:
        needed = math.ceil(finding.replicates * ((shared + room) / normal_quantile(1.0 - finding.p_value)) ** 2)
    elif needed is not None:
        needed = math.ceil(needed * ((shared + room) / (normal_quantile(1.0 - alpha) + room)) ** 2)
    return replace(finding, p_value=p_value, primary=count, verdict=Verdict.UNDECIDED, needed_replicates=needed)


def against_margin(finding: Finding, margin: float, *, p_value: float) -> Finding:
    """The finding with the verdict that its interval gives: above the margin it holds, below it fails."""
    low, high = finding.interval
    verdict = Verdict.HOLDS if low > margin else Verdict.FAILS if high < margin else Verdict.UNDECIDED
    is_open = verdict is Verdict.UNDECIDED
    needed = scaled_replicates(finding.replicates, finding.effect, finding.interval, margin) if is_open else None
    return replace(finding, verdict=verdict, needed_replicates=needed, p_value=1.0 if is_open else p_value)


def as_factor(finding: Finding, unit: str) -> Finding:
    """The finding whose effect is a natural logarithm of a ratio, told as the ratio."""
    effect, low, high = (
        math.inf if number > _MOST_EXPONENT else math.exp(number) for number in (finding.effect, *finding.interval)
    )
    return replace(finding, effect=effect, interval=(low, high), unit=f"times ({unit or 'risk'})")


def without_number(name: str, claim: str, unit: str, test: str, replicates: int, paper: str) -> Finding:
    """The finding of a claim that could not be tested."""
    return Finding(
        name=name,
        claim=claim,
        verdict=Verdict.UNDECIDED,
        effect=math.nan,
        interval=(math.nan, math.nan),
        unit=unit,
        test=test,
        replicates=replicates,
        paper=paper,
        needed_replicates=None,
        p_value=1.0,
    )


def scaled_replicates(replicates: int, effect: float, interval: tuple[float, float], edge: float) -> int | None:
    """Replicates at which an interval that shrinks like 1 / sqrt(R) leaves ``edge`` out in 80 % of fresh samples."""
    half = effect - interval[0] if effect > edge else interval[1] - effect
    distance = abs(effect - edge)
    if not (math.isfinite(half) and distance > 0.0) or half < 0.0:
        return None
    needed = math.ceil(replicates * ((1.0 + _ROOM) * half / distance) ** 2) + 1
    return needed if needed <= MOST_REPLICATES else None


def _spread(value: float, low: float, high: float, sign: str = "") -> str:
    """A number with its interval, if it has one."""
    if math.isnan(low) or math.isnan(high):
        return f"{format_number(value)}{sign}"
    return f"{format_number(value)}{sign} ({format_number(low)} to {format_number(high)}{sign})"
