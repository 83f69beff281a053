"""What the data alone say, before any training: each with what to do, and which answers it forbids."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benign.diagnosis.answers import ANSWERS, DataFinding
from benign.diagnosis.conflicting_labels import conflicting_rows, irreducible_risk
from benign.diagnosis.data.leaks import Leak, find_leaks
from benign.diagnosis.data.row_groups import NOTABLE, find_row_groups
from benign.diagnosis.data.row_order import RowOrder, find_row_order
from benign.diagnosis.data.rows import Rows, rows_of
from benign.diagnosis.trials.bench import Bench
from benign.foundation.errors import listed
from benign.foundation.split import Split, class_indices
from benign.sources.columns import number_the_rows
from benign.sources.finite import FiniteSource

LEAST_ROWS = 40
"""Of fewer nothing is compared: a quarter of them is too small to train on, and how often such answers are right is not
measured."""
_LEAST_OF_A_CLASS = 5
_MANY, _FEW_COPIES = 0.05, 2  # of the held-out rows: a share, and a number that may be chance
_MORE_DATA = ("more_data",)
_COMPARISONS = ("more_data", "bigger", "longer", "remedies")
"""What held-out rows decide, which are too easy where the model has seen their like, and tell little if few."""


def data_findings(bench: Bench) -> tuple[DataFinding, ...]:
    """What is to know of the data, without any training.

    Copies across training and held-out rows, conflicting labels, groups of rows, leaks, identifiers, constant columns,
    an order in time, too few rows, rare classes. How often each is found where it is not is measured in the tests.

    Args:
        bench: that of the diagnosis; of a distribution the rows of its first draw are looked at.
    """
    split = bench.split()
    rows = rows_of(bench.source, split)
    repeated = list(_of_repetition(bench, split, rows))
    is_grouped = any(one.refuses for one in repeated)  # then rows beside each other are alike, as a rule
    columns = [*_of_columns(rows, bench.seed), *([] if split.shape is not None else _of_constant_columns(rows))]
    return (*_of_targets(split), *repeated, *columns, *_of_order(rows, is_grouped=is_grouped))


def _of_targets(split: Split) -> Iterator[DataFinding]:
    """Too few rows, and too few of a class."""
    n, targets = split.samples, split.train_targets
    if np.all(targets == targets[0]):
        sentence = f"All {n:,} training targets are the same: there is nothing to learn; check how they were made."
        yield DataFinding(code="constant_target", sentence=sentence, refuses=ANSWERS[1:])
    if n < LEAST_ROWS:
        sentence = (
            f"{n:,} training rows are too few to tell what would help, more of them or another model; {LEAST_ROWS} are "
            "needed."
        )
        yield DataFinding(code="few_rows", sentence=sentence, refuses=_COMPARISONS)
    if split.classes is None:
        return
    counts = np.bincount(class_indices(targets), minlength=len(split.classes))
    if (alone := int((counts == 1).sum())) > n / 2:
        sentence = (
            f"{alone:,} of {n:,} training rows are the only one of their class, and nobody can learn a class from one "
            "row; choose another target, or merge classes."
        )
        yield DataFinding(code="rare_classes", sentence=sentence, refuses=_COMPARISONS)
        return
    if rare := [name for name, count in zip(split.classes, counts, strict=True) if count < _LEAST_OF_A_CLASS]:
        sentence = (
            f"Fewer than {_LEAST_OF_A_CLASS} of {n:,} training rows are of class {listed(rare)}: how well it is told "
            "apart cannot be measured; gather more of it, or merge it with another."
        )
        yield DataFinding(code="rare_classes", sentence=sentence)


def _of_repetition(bench: Bench, split: Split, rows: Rows) -> Iterator[DataFinding]:
    """Copies, conflicting labels, and groups."""
    source, refused = bench.source, tuple[str, ...]()
    if isinstance(source, FiniteSource):
        copies, held_out = source.copies(split.replicate), source.test_samples
        if copies.misleading(bench.samples) * held_out > max(_FEW_COPIES, _MANY * held_out):
            refused = _COMPARISONS
        if sentence := copies.sentence(bench.samples):
            yield DataFinding(code="copies", sentence=sentence, refuses=refused)
    if forced := _forced_risk(split, bench.subject.procedure.objective):
        yield DataFinding(code="conflicts", sentence=forced, refuses=refused)
    groups = find_row_groups(rows, seed=bench.seed)
    if groups.share > NOTABLE:
        sentence = (
            f"{100.0 * groups.share:.0f} % of the rows lie in clusters of about {groups.size} that are far closer than "
            "chance, such as the visits of one patient: held-out rows are too easy; keep one row of each group, or "
            "hold out whole groups."
        )
        yield DataFinding(code="groups", sentence=sentence, refuses=_COMPARISONS)


def _forced_risk(split: Split, objective: str) -> str:
    """What equal inputs with different labels force upon every model, in words; empty where they do not."""
    conflicting = conflicting_rows(split.train_inputs, split.train_targets)
    if not conflicting:
        return ""
    count = sum(map(len, conflicting))
    kind, least = "values", irreducible_risk(split, "objective", objective)
    forced = f"training loss below {least:.2g} of a constant's"
    if split.classes is not None:
        kind, least = "labels", irreducible_risk(split, "error", objective)
        forced = f"training error below {100.0 * least:.2g} %"
    return (
        f"{count:,} of {split.samples:,} training rows equal another one whose {kind} differ: no model of these inputs "
        f"reaches a {forced}; check the {kind}, or add a column that tells such rows apart."
    )


def _of_columns(rows: Rows, seed: int) -> Iterator[DataFinding]:
    """Leaks and identifiers."""
    if leaks := find_leaks(rows, seed=seed):
        yield DataFinding(code="leak", sentence=_leak_sentence(rows, leaks))
    columns = rows.inputs.shape[1]
    counted = [j for j in range(columns) if columns > 1 and _is_identifier(rows, j)]
    named = [j for j in counted if _names_the_rows(rows, j)]
    counted = [j for j in counted if j not in named]
    if counted:
        sentence = f"The rows seem to be numbered by {rows.column_names(*counted)}, which is learnt from: leave it out."
        yield DataFinding(code="identifiers", sentence=sentence)
    if named:
        sentence = (
            f"Another text stands in every row of {rows.column_names(*named)}: unless its words are read, such as by "
            "TfidfVectorizer, it only names the rows; leave it out then."
        )
        yield DataFinding(code="identifiers", sentence=sentence)


def _of_constant_columns(rows: Rows) -> Iterator[DataFinding]:
    """Of a table: in samples that have a shape, such as images, dark corners are no fault."""
    lowest, highest = np.fmin.reduce(rows.inputs, axis=0), np.fmax.reduce(rows.inputs, axis=0)
    is_constant = (lowest == highest) & ~np.isnan(rows.inputs).any(axis=0)
    if constant := np.flatnonzero(is_constant).tolist():
        verb = "is" if len(constant) == 1 else "are"
        sentence = f"Nothing can be learnt from {rows.column_names(*constant)}, which {verb} constant."
        yield DataFinding(code="constant", sentence=sentence)


def _is_identifier(rows: Rows, column: int) -> bool:
    return (bool(rows.names) and rows.names[column] in rows.identifiers) or number_the_rows(rows.inputs[:, column])


def _names_the_rows(rows: Rows, column: int) -> bool:
    """Whether it holds texts, each once: an identifier, or something to read."""
    return bool(rows.names) and rows.names[column] in rows.texts and number_the_rows(rows.inputs[:, column])


def _leak_sentence(rows: Rows, leaks: list[Leak]) -> str:
    first, least = leaks[0], min(leak.left for leak in leaks)
    if first.rule:
        what = (
            f"{'larger' if first.rule == 'larger' else first.rule} of {rows.column_names(*first.columns)} alone tells"
        )
    else:
        places = [leak.columns[0] for leak in leaks]
        what = f"{rows.column_names(*places)}{' alone tells' if len(places) == 1 else ', each alone, tell'}"
    if rows.labels is None:
        told = f"{100.0 * (1.0 - least):.4g} % of the variance of the target's ranks"
    else:
        wrong = least * (1.0 - float(rows.targets.mean(axis=0).max()))
        told = f"the class of {100.0 * (1.0 - wrong):.4g} % of the rows"
    what = f"The {what}" if first.rule else what[0].upper() + what[1:]
    return f"{what} {told}: a leak, if it is known only with the answer; leave it out then."


def _of_order(rows: Rows, *, is_grouped: bool) -> Iterator[DataFinding]:
    order = find_row_order(rows)
    if not (order.dates or (order.is_dependent and not is_grouped)):
        return
    sentence = (
        f"The rows follow an order of {_order_shown(rows, order)}: held-out rows drawn at random are too easy, and "
        "rows to come may differ; hold out the last ones to judge, or shuffle the table if its order means nothing."
    )
    yield DataFinding(code="ordered", sentence=sentence, refuses=_MORE_DATA)


def _order_shown(rows: Rows, order: RowOrder) -> str:
    if order.dates:
        return f"time, that of {rows.column_names(*order.dates)}"
    if order.neighbours >= order.drift:
        return (
            f"time or place (what the inputs leave of the target correlates by {order.neighbours:.2f} from row to row)"
        )
    return f"time ({100.0 * order.drift:.0f} % of what the inputs leave of the target changes slowly along the rows)"
