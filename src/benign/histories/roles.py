"""Which column of a log fills which curve of a history: as its format says, by its name, or as the user says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benign.foundation.errors import InvalidArgument, listed, unknown_name
from benign.foundation.wording import shown
from benign.histories.column_names import is_of_a_player, is_per_step, is_plain, role_of, without_samples
from benign.histories.log import Column, Log
from benign.histories.role import Quantity, Role, Samples

_SAMPLES: Mapping[str, Samples] = {"val": "validation", "train": "train", "test": "test", "averaged": "validation"}
_QUANTITIES: tuple[Quantity, ...] = ("loss", "error", "accuracy")

SPOKEN: Mapping[str, Role] = {
    **{
        f"{word}_{quantity}": Role(
            samples=samples, quantity=quantity, higher_is_better=quantity == "accuracy", averaged=word == "averaged"
        )
        for word, samples in _SAMPLES.items()
        for quantity in _QUANTITIES
    },
    "val_score": Role(samples="validation", quantity="score", higher_is_better=True),
    "lr": Role(samples="", quantity="learning rate"),
    "kept_train_error": Role(samples="kept", quantity="error"),
    "flipped_train_error": Role(samples="flipped", quantity="error"),
    "gradient_penalty": Role(samples="", quantity="gradient penalty"),
}
"""How a user says a role; an error and an accuracy fill one curve."""

_BY_NAME = 2

_CURVES: Mapping[tuple[Samples, bool], str] = {
    ("validation", False): "validation",
    ("validation", True): "averaged",
    ("train", False): "train",
    ("test", False): "test",
    ("kept", False): "kept_train",
    ("flipped", False): "flipped_train",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Use:
    """What fills one curve.

    Attributes:
        columns: one; several where parts of a loss are to be added.
        role: of each of them, or of their sum.
    """

    columns: tuple[Column, ...]
    role: Role

    @property
    def name(self) -> str:
        """The name of the column, or of the parts."""
        return " + ".join(column.name for column in self.columns)


@dataclass(frozen=True, kw_only=True, eq=False)
class Assignment:
    """Which columns are used, and as what.

    Attributes:
        uses: by the curve of :class:`~benign.histories.history.History`: ``validation_loss``, ``train_error``, ..
        metrics: of further metrics of validation.
        unused: names of columns that nothing is read from, in the order of the log.
        questions: a sentence for each choice that could be another, with what was taken.
        notes: a sentence for each choice that the log itself decides.
    """

    uses: Mapping[str, Use]
    metrics: tuple[Use, ...] = ()
    unused: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Claim:
    """A column and the role that it may have, and how much this is worth; of several the smallest rank is used."""

    column: Column
    role: Role
    source: int  # who says it: 0 the user, 1 the format, 2 its name

    @property
    def rank(self) -> tuple[int, bool, bool, bool]:
        name = self.column.name
        is_called_otherwise = self.role.quantity == "loss" and not is_plain(name)
        return self.source, is_per_step(name), is_called_otherwise, self.role.quantity == "accuracy"


@dataclass
class _Said:
    questions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def assigned(log: Log, *, columns: Mapping[str, str] | None = None) -> Assignment:
    """Choose the columns of a log that a history is read from.

    The user's word goes before the format's, and this before a column's name. Of several columns with the same claim
    the one with the most values is taken, and that is a question; a value of an epoch goes before one of a batch, a
    loss called so before one called by its function, an error before an accuracy.

    Args:
        log: what a reader yields.
        columns: names of columns by what they are, a key of :data:`SPOKEN` or any name that means the same.

    Returns:
        The columns by curve, with what was not certain.

    Raises:
        UnknownName: if a key or a column of ``columns`` is not known, with the nearest.
        InvalidArgument: if ``columns`` is no mapping of texts.

    >>> import numpy as np
    >>> curve = dict(positions=np.arange(9.0), values=np.ones(9))
    >>> log = Log(format="CSV", columns=(Column(name="loss", **curve), Column(name="val_loss", **curve)))
    >>> {curve: use.name for curve, use in assigned(log).uses.items()}
    {'validation_loss': 'val_loss', 'train_loss': 'loss'}
    """
    said = _Said()
    claims = _with_samples(_claims(log, _told(log, columns)), said)
    by_curve: dict[str, list[_Claim]] = {}
    for claim in claims:
        curve = _curve(claim.role)
        if curve:
            by_curve.setdefault(curve, []).append(claim)
    chosen = {curve: _chosen(curve, those, said) for curve, those in by_curve.items()}
    uses = {curve: Use(columns=(claim.column,), role=claim.role) for curve, claim in chosen.items()}
    uses |= _sums(chosen, claims, said)
    _take_test_for_validation(uses, said)
    metrics = tuple(Use(columns=(claim.column,), role=claim.role) for claim in _metrics(claims))
    used = {id(column) for use in (*uses.values(), *metrics) for column in use.columns}
    unused = tuple(dict.fromkeys(column.name for column in log.columns if id(column) not in used))
    return Assignment(
        uses=uses, metrics=metrics, unused=unused, questions=tuple(said.questions), notes=tuple(said.notes)
    )


def correction(curve: str, name: str) -> str:
    """What to type to have a column as a curve.

    >>> correction("validation_loss", "eval_loss")
    '--columns val_loss=eval_loss'
    """
    pair = f"{_spoken(curve)}={name}"
    is_one_word = re.fullmatch(r"[\w./=@+-]+", pair, re.ASCII)
    return f"--columns {pair if is_one_word else shown(pair)}"


def _spoken(curve: str) -> str:
    return {"learning_rate": "lr"}.get(curve, curve.replace("validation", "val"))


def _told(log: Log, columns: object) -> dict[str, Role]:
    """The user's roles, by the names of columns."""
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        raise InvalidArgument(
            f"`columns` must map what a column is to its name, as in {{'val_loss': 'foo'}}, got {shown(columns)}.",
            "columns",
        )
    names = [column.name for column in log.columns]
    roles: dict[str, Role] = {}
    for key, name in columns.items():
        role = _spoken_role(key)
        if not (isinstance(name, str) and name in names):
            raise unknown_name("column", name, names, argument="columns")
        if name in roles:
            raise InvalidArgument(f"`columns` says two things of {shown(name)}; say one.", "columns")
        roles[name] = role
    return roles


def _spoken_role(key: object) -> Role:
    role = (SPOKEN.get(key) or role_of(key)) if isinstance(key, str) else None
    if role is not None and not role.samples and role.quantity in _QUANTITIES:
        role = dataclasses.replace(role, samples="train")
    if role is None or (not _curve(role) and (role.samples, role.quantity) != ("validation", "score")):
        raise unknown_name("role of a column", key, list(SPOKEN), argument="columns")
    return role


def _claims(log: Log, told: Mapping[str, Role]) -> list[_Claim]:
    """One for each column with values whose role is known."""
    claims = []
    for column in log.columns:
        for source, role in enumerate((told.get(column.name), log.roles.get(column.name), role_of(column.name))):
            if role is not None:
                claims.append(_Claim(column, role, source))
                break
    return [claim for claim in claims if claim.column.values.size]


def _curve(role: Role) -> str:
    """The curve of a history that a role fills; empty where there is none."""
    if role.quantity in ("learning rate", "gradient penalty"):
        return role.quantity.replace(" ", "_")
    prefix = _CURVES.get((role.samples, role.averaged), "")
    kind = {"loss": "loss", "error": "error", "accuracy": "error"}.get(role.quantity, "")
    if role.samples in ("kept", "flipped") and kind == "loss":
        return ""
    return f"{prefix}_{kind}" if prefix and kind else ""


def _with_samples(claims: Sequence[_Claim], said: _Said) -> list[_Claim]:
    """The claims, those whose samples nothing tells given some: by their twins, or by how often they were recorded."""
    named = [claim for claim in claims if claim.role.samples]
    others = [claim for claim in claims if not claim.role.samples and _is_measured(claim.role)]
    rest = [claim for claim in claims if not claim.role.samples and not _is_measured(claim.role)]
    twins = {without_samples(claim.column.name) for claim in named if claim.role.samples != "train"}
    has_train_loss = any(_is_train_loss(claim) for claim in named)
    rows = max((claim.column.values.size for claim in others if _is_loss(claim.role)), default=0)
    settled = []
    for claim in others:
        if _is_loss(claim.role) and has_train_loss:
            continue  # of samples that nobody names, beside a training loss that is named
        is_rare = 2 * claim.column.values.size <= rows if rows else has_train_loss
        has_twin = without_samples(claim.column.name) in twins
        is_of_validation = is_rare and not has_twin and not _is_loss(claim.role)
        role = dataclasses.replace(claim.role, samples="validation" if is_of_validation else "train")
        settled.append(dataclasses.replace(claim, role=role))
    _tell_samples(settled, said, is_alone=not any(claim.role.samples != "train" for claim in named))
    return [*named, *settled, *rest]


def _tell_samples(settled: Sequence[_Claim], said: _Said, *, is_alone: bool) -> None:
    """Say what was settled, where it could be otherwise: always of an error, of a loss where nothing else is named."""
    asked = [claim for claim in settled if claim.role.samples == "validation" and claim.role.quantity != "score"]
    if asked:
        first = asked[0].column.name
        said.questions.append(
            f"No word of {listed(claim.column.name for claim in asked)} says the samples: taken as of validation; say "
            f"{correction(f'train_{asked[0].role.quantity}', first)} if of training."
        )
    losses = [claim.column.name for claim in settled if claim.role.quantity == "loss"]
    if losses and is_alone:
        said.questions.append(
            f"No word of {listed(losses)} says the samples: taken as of training; say "
            f"{correction('validation_loss', losses[0])} if of validation."
        )


def _is_loss(role: Role) -> bool:
    return role.quantity in ("loss", "part of the loss")


def _is_train_loss(claim: _Claim) -> bool:
    return claim.role.samples == "train" and _is_loss(claim.role) and claim.column.values.size > 1


def _is_measured(role: Role) -> bool:
    return role.quantity in ("error", "accuracy", "score") or _is_loss(role)


def _chosen(curve: str, claims: Sequence[_Claim], said: _Said) -> _Claim:
    """The claim of the smallest rank; between equals the one with the most values, or the last of XGBoost's sets."""
    curves = [claim for claim in claims if claim.column.values.size > 1 or not claim.source]  # no summary at the end
    claims = curves or claims
    best = min(claim.rank for claim in claims)
    equal = [claim for claim in claims if claim.rank == best]
    taken = max(equal, key=lambda claim: (_set_number(claim.column.name), claim.column.values.size))
    others = [claim for claim in equal if not _is_same(claim.column, taken.column)]
    if others and curve != "learning_rate":  # groups of parameters have one each
        _ask_which(curve, taken, others, said)
    passed = [claim.column.name for claim in claims if claim.rank[:2] == (best[0], True) and not best[1]]
    if passed:
        said.notes.append(
            f"{listed(passed)} was recorded for single batches; the {words_of(curve)} is {shown(taken.column.name)}."
        )
    return taken


def _is_same(one: Column, other: Column) -> bool:
    return one is other or (
        np.array_equal(one.positions, other.positions) and np.array_equal(one.values, other.values, equal_nan=True)
    )


def _set_number(name: str) -> int:
    """Of XGBoost's ``validation_1-logloss`` the 1: its set 0 is often the training set."""
    match = re.match(r"validation_(\d{1,3})\b", name)
    return int(match.group(1)) if match else -1


def _ask_which(curve: str, taken: _Claim, others: Sequence[_Claim], said: _Said) -> None:
    name, other = taken.column.name, others[0]
    names = [name, *(claim.column.name for claim in others)]
    if name in names[1:]:
        said.questions.append(
            f"The log has {len(names)} columns {shown(name)}; took the one with the most values: rename one of them to "
            "choose."
        )
        return
    is_accuracy = other.role.quantity == "accuracy"
    say = correction(curve.replace("_error", "_accuracy") if is_accuracy else curve, other.column.name)
    said.questions.append(
        f"{'Both' if len(names) == 2 else 'Each of'} {listed(names)} could be the {words_of(curve)}; took "
        f"{shown(name)}: say {say} for {'the other' if len(names) == 2 else 'another'}."
    )


def words_of(curve: str) -> str:
    """What a curve is called in a sentence."""
    return {
        "averaged_loss": "loss of averaged weights",
        "averaged_error": "error of averaged weights",
        "kept_train_error": "training error on the labels that were kept",
        "flipped_train_error": "training error on the relabelled samples",
    }.get(curve, curve.replace("train_", "training_").replace("_", " "))


def _sums(chosen: Mapping[str, _Claim], claims: Sequence[_Claim], said: _Said) -> dict[str, Use]:
    """Losses that are the sum of their parts, where no total was recorded."""
    sums = {}
    for (samples, averaged), prefix in _CURVES.items():
        curve = f"{prefix}_loss"
        parts = [
            claim.column
            for claim in claims
            if (claim.role.quantity, claim.role.samples, claim.role.averaged) == ("part of the loss", samples, averaged)
        ]
        if parts and curve in chosen:
            _ask_for_the_total(curve, chosen[curve], parts, said)
        elif any(is_of_a_player(part.name) for part in parts):
            said.notes.append(
                f"{listed(part.name for part in parts)} are losses of models that play against each other, or of an "
                "actor and its critic: neither they nor their sum measure the whole, and they were left out; say "
                f"{correction(curve, parts[0].name)} to read one all the same."
            )
        elif parts and all(np.array_equal(part.positions, parts[0].positions) for part in parts):
            role = Role(samples=samples, quantity="loss", averaged=averaged)
            sums[curve] = Use(columns=tuple(parts), role=role)
            said.notes.append(_of_its_parts(curve, parts))
        elif parts:
            said.questions.append(
                f"The parts {listed(part.name for part in parts)} of the {words_of(curve)} were recorded at different "
                f"places and not added; say {correction(curve, parts[0].name)} to use one."
            )
    return sums


def _of_its_parts(curve: str, parts: Sequence[Column]) -> str:
    told = listed(part.name for part in parts)
    if len(parts) > 1:
        return f"The {words_of(curve)} is the sum of its parts {told}."
    return f"The only part of the {words_of(curve)} that was recorded is {told}: it stands for the whole."


def _ask_for_the_total(curve: str, taken: _Claim, parts: Sequence[Column], said: _Said) -> None:
    """Beside parts, a loss that is called by its function may be another part."""
    name = taken.column.name
    if taken.source == _BY_NAME and not is_plain(name):
        said.questions.append(
            f"{shown(name)} could be the {words_of(curve)} or a part of it, as {listed(part.name for part in parts)}; "
            f"took it as the whole: say {correction(curve, parts[0].name)} for another."
        )


def _take_test_for_validation(uses: dict[str, Use], said: _Said) -> None:
    """Many call their validation set the test set."""
    if any(curve.startswith("validation") for curve in uses):
        return
    for kind in ("loss", "error"):
        use = uses.pop(f"test_{kind}", None)
        if use is None:
            continue
        uses[f"validation_{kind}"] = use
        said.questions.append(
            f"No column is called validation: took {shown(use.name)} as the validation {kind}; what is chosen by it "
            "has no test score left."
        )


def _metrics(claims: Sequence[_Claim]) -> list[_Claim]:
    """Further metrics of validation; of several of one name the first."""
    metrics: dict[str, _Claim] = {}
    for claim in claims:
        if claim.role.quantity == "score" and claim.role.samples == "validation" and not claim.role.averaged:
            metrics.setdefault(claim.column.name, claim)
    return list(metrics.values())
