"""Reproduce a published figure: measure it, judge its claims, draw it, and keep all of it in one folder."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from benign.curves import Finding
from benign.experiments import IN_MEMORY, Executor, MeasurementInterrupted, Place
from benign.experiments.environment import Environment
from benign.experiments.keeping import kept_line
from benign.experiments.repeated_warnings import said_once
from benign.experiments.store import Store, StoreUnusable
from benign.figures.claims import Surfaces
from benign.figures.figure import Figure, Picture, Results
from benign.figures.folders import MOST_TOLD_BYTES, PAGE, PARTIAL, TOLD, is_current, is_ours, surface_files, take
from benign.figures.registry import checked_scale, find_figure
from benign.figures.story import card_of, write_report
from benign.foundation.arguments import checked_path
from benign.foundation.errors import OutputFailed, invalid
from benign.foundation.file_names import file_name
from benign.foundation.output import regular_bytes, write_whole
from benign.foundation.progress import Progress, silent
from benign.foundation.wording import shown
from benign.plots import save
from benign.plots.output import FORMATS
from benign.report import Section, section_of
from benign.surface import Surface


@dataclass(frozen=True, kw_only=True, eq=False)
class Reproduction:
    """A figure as measured here: its surfaces, the verdict on each claim and its pictures."""

    figure: Figure[Any]
    scale: str
    seed: int
    surfaces: Mapping[str, Surface]
    seconds: float
    kept: str = ""
    """Where the store keeps what was measured, in words; empty if none does."""

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The paper's claims, each with its verdict."""
        return self.figure.judge(self.scale, self.datasets)

    @cached_property
    def results(self) -> Results[Any]:
        """What its words and pictures are made of."""
        return self.figure.results(self.scale, self.datasets, self.findings)

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures, in reading order."""
        return tuple(self.figure.pictures(self.results))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The pictures as they stand on a page, each with its claims; drawn once for all pages."""
        cards = {finding.name: card_of(finding) for finding in self.findings}
        return tuple(
            section_of(
                picture.display,
                heading=picture.heading,
                sentence=picture.sentence,
                cards=tuple(cards[name] for name in picture.claims),
            )
            for picture in self.pictures
        )

    @property
    def headline(self) -> str:
        """What was found, in at most twenty words."""
        return self.figure.headline(self.results)

    @property
    def lede(self) -> str:
        """The three to five numbers behind the headline."""
        return self.figure.lede(self.results)

    @property
    def datasets(self) -> Surfaces:
        """The surfaces as plain Datasets."""
        return {name: surface.dataset for name, surface in self.surfaces.items()}

    def to_dict(self) -> dict[str, object]:
        """Name, settings, headline and findings as plain values."""
        return {
            "figure": self.figure.name,
            "revision": self.figure.revision,
            "scale": self.scale,
            "seed": self.seed,
            "surfaces": list(self.surfaces),
            "headline": self.headline,
            "findings": [finding.to_dict() for finding in self.findings],
            "machine": next(iter(self.surfaces.values())).dataset.attrs["machine"],
            "seconds": round(self.seconds, 1),
            "benign_version": version("benign"),
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write surfaces (netCDF, Parquet), pictures (PNG, SVG, PDF), findings.json and, last, report.html.

        A folder that holds this very reproduction already, of this revision and version of benign, is left as it is.
        Files of these names that lie in a folder without findings of ours are somebody else's, and are not replaced.

        Raises:
            OutputFailed: if a file cannot be written.
        """
        target = Path(folder)
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        drawn = [f"{picture.name}.{kind}" for picture in self.pictures for kind in FORMATS]
        names = [*surface_files(self.surfaces), *drawn]
        if not is_ours(target):
            take(target, self.figure.name, names)
        with contextlib.suppress(OSError):
            (target / f"{PARTIAL}.nc").unlink(missing_ok=True)
        if not is_current(target, text, names):
            for name, surface in self.surfaces.items():
                surface.to_netcdf(target / f"{name}.nc")
                surface.to_parquet(target / f"{name}.parquet")
            for picture in self.pictures:
                save(picture.display, target / picture.name)
            write_whole(target / TOLD, lambda path: path.write_text(text, encoding="utf-8"))
            write_report([self], target / PAGE, command=self.command)
        return [target / name for name in (*names, TOLD, PAGE)]

    @property
    def command(self) -> str:
        """The command that does this again."""
        return f"benign figure {self.figure.name} --scale {self.scale} --seed {self.seed}"

    @classmethod
    def open(cls, folder: str | Path) -> Reproduction:
        """Read a reproduction that :meth:`save` wrote; findings and pictures are made anew from its surfaces.

        Raises:
            InvalidArgument: if the folder holds none.
        """
        target = checked_path("folder", folder)
        try:
            stored = json.loads(regular_bytes(target / TOLD, MOST_TOLD_BYTES))
            name, scale, seed = stored["figure"], stored["scale"], stored["seed"]
            seconds, surfaces = stored["seconds"], [str(key) for key in stored["surfaces"]]
            if any(file_name(key) != key for key in surfaces):
                raise ValueError(surfaces)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise invalid("folder", f"{shown(str(target))} holds no findings.json that can be read.") from error
        return cls(
            figure=find_figure(name),
            scale=scale,
            seed=seed,
            seconds=seconds,
            surfaces={key: Surface.open(target / f"{key}.nc") for key in surfaces},
        )


def figure(
    name: str,
    *,
    scale: str = "quick",
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = None,
    progress: Progress = silent,
) -> Reproduction:
    """Reproduce a published figure.

    Args:
        name: one that ``benign figures`` lists, for example ``"belkin2019_fourier"``.
        scale: ``"smoke"`` (seconds), ``"quick"`` (under three minutes), ``"standard"`` or ``"paper"``.
        seed: root seed.
        workers: processes; None chooses. The numbers do not depend on it.
        executor: ``"here"``, ``"processes"``, ``"ray"`` or a ready one; None chooses.
        store: path or URL of the store that keeps what was measured, None for the default one: a second call is
            instant, and one that was interrupted goes on. ``":memory:"`` keeps nothing.
        progress: told what is done.

    Returns:
        The reproduction: ``.findings``, ``.surfaces``, ``.pictures``, ``.save(folder)``.

    Raises:
        UnknownName: for an unknown name or scale, with the nearest.
    """
    environment = Environment(executor=executor, workers=workers, store=store, progress=progress)
    return reproduce(name, scale=scale, seed=seed, environment=environment)


@said_once()
def reproduce(
    name: str,
    *,
    scale: str,
    seed: int,
    environment: Environment,
    rescue: Path | None = None,
) -> Reproduction:
    """As :func:`figure`; on Ctrl-C what was measured is written to the folder ``rescue``.

    Raises:
        MeasurementInterrupted: on Ctrl-C, saying where the partial surface is.
    """
    wanted, scale, surfaces = find_figure(name), checked_scale(scale), dict[str, xr.Dataset]()
    environment = replace(environment, store=_usable(environment.store))
    try:
        for key, dataset in wanted.measure(scale, seed, environment):
            surfaces[key] = dataset
    except MeasurementInterrupted as interrupt:
        if interrupt.dataset is not None:
            surfaces[PARTIAL] = interrupt.dataset
        if rescue is not None and surfaces:
            with contextlib.suppress(OutputFailed):  # the store has it
                if not is_ours(rescue):
                    take(rescue, wanted.name, surface_files(surfaces))
                files = [Surface(dataset).to_netcdf(rescue / f"{key}.nc").name for key, dataset in surfaces.items()]
                interrupt.args = (
                    f"Interrupted; what was measured is in {rescue}: {', '.join(files)}. The same command goes on.",
                )
        raise
    seconds = sum(dataset.attrs["seconds"] for dataset in surfaces.values())
    return Reproduction(
        figure=wanted,
        scale=scale,
        seed=seed,
        seconds=seconds,
        kept=kept_line(environment.store) if seconds else "",
        surfaces={key: Surface(dataset) for key, dataset in surfaces.items()},
    )


def _usable(store: Place) -> Place:
    """The store; nothing is kept, with a warning, where the default one cannot be opened: a figure needs none."""
    if store is None:
        try:
            Store.open(None).close()
        except StoreUnusable as error:
            warnings.warn(f"{error} What is measured now will not be kept.", stacklevel=3)
            return IN_MEMORY
    return store
