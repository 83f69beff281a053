"""Reproduce a published figure: measure it, judge its claims, draw it, and keep all of it in one folder."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benign.curves import Finding
from benign.experiments import MeasurementInterrupted
from benign.figures import NAMES, Figure, MeasureOptions, Picture, Surfaces, checked_scale, find_figure
from benign.foundation.errors import InvalidArgument, OutputFailed
from benign.foundation.output import write_whole
from benign.foundation.progress import Progress, silent
from benign.plots import save
from benign.report import Chapter, story_page, write_page
from benign.surface import Surface


@dataclass(frozen=True, kw_only=True, eq=False)
class Reproduction:
    """A figure as measured here: its surfaces, the verdict on each claim and its pictures."""

    figure: Figure
    scale: str
    seed: int
    surfaces: Mapping[str, Surface]
    seconds: float

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The paper's claims, each with its verdict."""
        return self.figure.findings(self.datasets)

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures, in reading order."""
        return self.figure.pictures(self.datasets)

    @property
    def headline(self) -> str:
        """What was found, in at most twenty words."""
        return self.figure.headline(self.datasets, self.findings)

    @property
    def lede(self) -> str:
        """The three to five numbers behind the headline."""
        return self.figure.lede(self.datasets)

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
            "headline": self.headline,
            "findings": [finding.to_dict() for finding in self.findings],
            "machine": next(iter(self.surfaces.values())).dataset.attrs["machine"],
            "seconds": round(self.seconds, 1),
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write surfaces (netCDF, Parquet), pictures (PNG, SVG, PDF), findings.json and, last, report.html.

        Raises:
            OutputFailed: if a file cannot be written.
        """
        target = Path(folder)
        files = []
        for name, surface in self.surfaces.items():
            files.append(surface.to_netcdf(target / f"{name}.nc"))
            files.append(surface.to_parquet(target / f"{name}.parquet"))
        for picture in self.pictures:
            files.extend(save(picture.display, target / picture.name))
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        files.append(write_whole(target / "findings.json", lambda path: path.write_text(text, encoding="utf-8")))
        files.append(write_report([self], target / "report.html", command=self.command))
        return files

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
        target = Path(folder)
        try:
            stored = json.loads((target / "findings.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"`folder` {str(target)!r} holds no findings.json that can be read.") from error
        surfaces = {path.stem: Surface.open(path) for path in sorted(target.glob("*.nc"))}
        return cls(
            figure=find_figure(stored["figure"]), scale=stored["scale"], seed=stored["seed"], surfaces=surfaces,
            seconds=stored["seconds"],
        )  # fmt: skip


def all_figures() -> tuple[Figure, ...]:
    """All figures that can be reproduced."""
    return tuple(find_figure(name) for name in NAMES)


def figure(
    name: str, *, scale: str = "quick", seed: int = 0, workers: int | None = None, progress: Progress = silent
) -> Reproduction:
    """Reproduce a published figure.

    Args:
        name: one that ``benign figures`` lists, for example ``"belkin2019_fourier"``.
        scale: ``"smoke"`` (seconds), ``"quick"`` (under three minutes), ``"standard"`` or ``"paper"``.
        seed: root seed.
        workers: processes; None chooses. The numbers do not depend on it.
        progress: told what is done.

    Returns:
        The reproduction: ``.findings``, ``.surfaces``, ``.pictures``, ``.save(folder)``.

    Raises:
        UnknownName: for an unknown name or scale, with the nearest.
    """
    return reproduce(name, scale=scale, seed=seed, workers=workers, progress=progress, rescue=None)


def reproduce(
    name: str, *, scale: str, seed: int, workers: int | None, progress: Progress, rescue: Path | None
) -> Reproduction:
    """As :func:`figure`; on Ctrl-C what was measured is written to the folder ``rescue``.

    Raises:
        MeasurementInterrupted: on Ctrl-C, saying where the partial surface is.
    """
    wanted = find_figure(name)
    options = MeasureOptions(scale=checked_scale(scale), seed=seed, workers=workers, progress=progress)
    start = time.perf_counter()
    try:
        surfaces = wanted.measure(options)
    except MeasurementInterrupted as interrupt:
        if rescue is not None and interrupt.dataset is not None:
            path = Surface(interrupt.dataset).to_netcdf(rescue / "partial.nc")
            interrupt.args = (f"{interrupt} It is in {path}.",)
        raise
    return Reproduction(
        figure=wanted, scale=scale, seed=seed, seconds=time.perf_counter() - start,
        surfaces={key: Surface(dataset) for key, dataset in surfaces.items()},
    )  # fmt: skip


def checked_folder(folder: Path, *, name: str, scale: str) -> Path:
    """The folder, created and shown to be writable before anything long is started; name and scale checked first.

    Raises:
        OutputFailed: if it cannot be written.
        UnknownName: for an unknown figure or scale.
    """
    find_figure(name)
    checked_scale(scale)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise OutputFailed(
            f"{folder} cannot be written: {error.strerror or error}; choose another with --out."
        ) from error


def write_report(results: Sequence[Reproduction], path: Path, *, command: str) -> Path:
    """One self-contained page that tells the figures' story in order.

    Raises:
        OutputFailed: if it cannot be written.
    """
    return write_page(story_page([_chapter(result) for result in results], command=command), path)


def _chapter(result: Reproduction) -> Chapter:
    attributes = next(iter(result.surfaces.values())).dataset.attrs
    return Chapter(
        figure=result.figure,
        surfaces=result.datasets,
        findings=result.findings,
        pictures=result.pictures,
        headline=result.headline,
        lede=result.lede,
        scale=result.scale,
        seed=result.seed,
        seconds=result.seconds,
        machine=attributes["machine"],
        versions={"benign": attributes["benign_version"], "NumPy": attributes["numpy_version"]},
    )
