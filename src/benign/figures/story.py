"""The story that several figures tell: one page, which the last of them answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from benign.curves import Finding
from benign.foundation.outcomes import Outcome
from benign.report import GLOSSARY, Card, Page, Section, write_page
from benign.schema import SOURCE_NOTES
from benign.surface.sections import best_median_error, samples_of, share_with_outcome

if TYPE_CHECKING:
    from benign.figures.reproduction import Reproduction


def write_report(results: Sequence[Reproduction], path: Path, *, command: str) -> Path:
    """One self-contained page that tells the figures' story in order.

    Raises:
        OutputFailed: if it cannot be written.
    """
    return write_page(_story(results, command=command), path)


def _story(chapters: Sequence[Reproduction], *, command: str) -> Page:
    """One page: the last chapter gives the answer, its key claims come first, all pictures follow in order."""
    last = chapters[-1]
    first = {finding.name for finding in last.findings if finding.primary}
    return Page(
        title=f"benign: {last.figure.title}",
        strip=_strip(last),
        question=last.pictures[0].heading,
        headline=last.headline,
        lede=" ".join(chapter.lede for chapter in reversed(chapters)),
        cards=tuple(card_of(finding) for finding in last.findings if finding.primary),
        sections=tuple(
            section for chapter in chapters for section in _sections(chapter, first if chapter is last else set())
        ),
        provenance=_provenance(chapters),
        command=command,
        glossary=GLOSSARY,
        trust=tuple(sentence for chapter in chapters for sentence in _trust(chapter)),
    )


def card_of(finding: Finding) -> Card:
    """A finding as it stands on the page."""
    paper = f" Paper: {finding.paper}." if finding.paper else ""
    return Card(
        verdict=finding.verdict.value,
        claim=finding.claim,
        detail=_sentence("; ".join(filter(None, [finding.effect_words, finding.outlook]))),
        test=_sentence(finding.evidence) + paper,
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _strip(chapter: Reproduction) -> tuple[str, ...]:
    surface = next(iter(chapter.datasets.values()))
    source, procedure = (json.loads(surface.attrs[name]) for name in ("source", "procedure"))
    return (
        f"{chapter.figure.paper}, {chapter.figure.number}",
        str(source.get("name", source.get("source", ""))),
        str(procedure["procedure"]).replace("_", " "),
        f"n = {samples_of(surface):,}",
        f"{surface.sizes['replicate']:,} replicates",
        f"scale {chapter.scale}",
        f"seed {chapter.seed}",
    )


def _sections(chapter: Reproduction, first: Collection[str]) -> Iterator[Section]:
    """The sections, without the claims that stand ``first`` on the page."""
    for picture, section in zip(chapter.pictures, chapter.sections, strict=True):
        cards = zip(picture.claims, section.cards, strict=True)
        yield replace(section, cards=tuple(card for name, card in cards if name not in first))


def _trust(chapter: Reproduction) -> list[str]:
    sentences = [sentence for name, surface in chapter.datasets.items() for sentence in _trust_in(name, surface)]
    undecided = [finding for finding in chapter.findings if finding.verdict.value == "undecided"]
    if undecided:
        sentences.append(f"{chapter.figure.title}: {len(undecided)} of {len(chapter.findings)} claims stay undecided.")
    return sentences


def _trust_in(name: str, surface: xr.Dataset) -> list[str]:
    words = name.replace("_", " ")
    flagged = share_with_outcome(surface, Outcome.ILL_CONDITIONED, Outcome.BUDGET_SPENT)
    if surface.attrs.get("time_name"):
        diverged = share_with_outcome(surface, Outcome.DIVERGED)
        sentences = [
            f"Surface {words}: training diverged in {diverged:.2%} of its cells, which are left out."
            if diverged
            else f"Surface {words}: no training diverged."
        ]
    else:
        sentences = [
            f"Surface {words}: {flagged:.2%} of its cells are too ill-conditioned to be given, or cost too much, and "
            "are left out."
            if flagged
            else f"Surface {words}: every cell converged to its stated tolerance."
        ]
    if "leave_one_out_loss" in surface:
        sentences.append(
            f"Surface {words}: the ridge was tuned by leave-one-out on training samples, not on the test set."
        )
    if SOURCE_NOTES in surface.attrs:
        sentences.append(f"Surface {words}: {surface.attrs[SOURCE_NOTES]}")
    return [*sentences, *_worse_than_chance(words, surface)]


def _worse_than_chance(words: str, surface: xr.Dataset) -> list[str]:
    """A sentence where no model beats guessing; nothing where nothing was classified."""
    best, chance = best_median_error(surface)
    if not best >= chance:
        return []
    sentence = (
        f"Surface {words}: the best median test error {best:.1%} is no better than guessing the most frequent class "
        f"({chance:.1%}); this is likely a bug in the data or the labels."
    )
    return [sentence]


def _provenance(chapters: Sequence[Reproduction]) -> tuple[tuple[str, str], ...]:
    last = chapters[-1]
    attributes = next(iter(last.datasets.values())).attrs
    seconds = ", ".join(f"{chapter.figure.name} {chapter.seconds:,.0f} s" for chapter in chapters)
    return (
        ("Seed", str(last.seed)),
        ("Scale", last.scale),
        ("Machine", attributes["machine"]),
        ("Measured in", seconds),
        ("benign", attributes["benign_version"]),
        ("NumPy", attributes["numpy_version"]),
    )
