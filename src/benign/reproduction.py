"""Reproduce a published figure: measure it, judge its claims, draw it, and keep all of it in one folder."""

from __future__ import annotations

import contextlib
import json
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import xarray as xr

from benign.curves import Finding
from benign.experiments import IN_MEMORY, Executor, MeasurementInterrupted, Place
from benign.experiments.environment import Environment
from benign.experiments.keeping import kept_line
from benign.experiments.repeated_warnings import said_once
from benign.experiments.store import Store, StoreUnusable
from benign.figures import NAMES, Figure, Picture, Surfaces, checked_scale, find_figure
from benign.foundation.arguments import checked_path
from benign.foundation.errors import OutputFailed, invalid
from benign.foundation.file_names import file_name
from benign.foundation.numbers import checked_count
from benign.foundation.output import check_ours, regular_bytes, write_whole
from benign.foundation.progress import Progress, silent
from benign.foundation.randomness import checked_seed
from benign.foundation.wording import shown
from benign.plots import save
from benign.plots.output import FORMATS
from benign.report import Chapter, story_page, write_page
from benign.surface import Surface

# Where an interrupted measurement's last, incomplete surface is kept.
PARTIAL = "partial"
_TOLD, _PAGE = "findings.json", "report.html"
_MOST_TOLD_BYTES = 2**26


@dataclass(frozen=True, kw_only=True, eq=False)
class Reproduction:
    """A figure as measured here: its surfaces, the verdict on each claim and its pictures."""

    figure: Figure
    scale: str
    seed: int
    surfaces: Mapping[str, Surface]
    seconds: float
    kept: str = ""
    """Where the store keeps what was measured, in words; empty if none does."""

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The paper's claims, each with its verdict."""
        return self.figure.judge(self.datasets)

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
            "surfaces": list(self.surfaces),
            "headline": self.headline,
            "findings": [finding.to_dict() for finding in self.findings],
            "machine": next(iter(self.surfaces.values())).dataset.attrs["machine"],
            "seconds": round(self.seconds, 1),
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write surfaces (netCDF, Parquet), pictures (PNG, SVG, PDF), findings.json and, last, report.html.

        A folder that holds this very reproduction already, made by this very package, is left as it is. Files of these
        names that lie in a folder without findings of ours are somebody else's, and are not replaced.

        Raises:
            OutputFailed: if a file cannot be written.
        """
        target = Path(folder)
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        if not _is_ours(target):
            pictures = [f"{picture.name}.{kind}" for picture in self.pictures for kind in FORMATS]
            _take(target, self.figure.name, [*_surface_files(self.surfaces), *pictures])
        with contextlib.suppress(OSError):
            (target / f"{PARTIAL}.nc").unlink(missing_ok=True)
        files = _current_files(target, text)
        if files:
            return files
        for name, surface in self.surfaces.items():
            files.append(surface.to_netcdf(target / f"{name}.nc"))
            files.append(surface.to_parquet(target / f"{name}.parquet"))
        for picture in self.pictures:
            files.extend(save(picture.display, target / picture.name))
        files.append(write_whole(target / _TOLD, lambda path: path.write_text(text, encoding="utf-8")))
        files.append(write_report([self], target / _PAGE, command=self.command))
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
        target = checked_path("folder", folder)
        try:
            stored = json.loads(regular_bytes(target / _TOLD, _MOST_TOLD_BYTES))
            name, scale, seed = stored["figure"], stored["scale"], stored["seed"]
            seconds, surfaces = stored["seconds"], [str(key) for key in stored["surfaces"]]
            if any(file_name(key) != key for key in surfaces):
                raise ValueError(surfaces)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise invalid("folder", f"{shown(str(target))} holds no findings.json that can be read.") from error
        return cls(
            figure=find_figure(name), scale=scale, seed=seed, seconds=seconds,
            surfaces={key: Surface.open(target / f"{key}.nc") for key in surfaces},
        )  # fmt: skip


def _surface_files(surfaces: Iterable[str]) -> list[str]:
    return [f"{name}.{kind}" for name in surfaces for kind in ("nc", "parquet")]


def _is_ours(folder: Path) -> bool:
    """Whether the folder holds findings of ours, or those that :func:`_take` announced."""
    try:
        told = json.loads(regular_bytes(folder / _TOLD, _MOST_TOLD_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "figure" in told


def _take(folder: Path, figure: str, names: Iterable[str]) -> None:
    """Mark the folder as a figure's before its first file is written: one that is killed goes on there.

    Raises:
        OutputFailed: if a file of one of these names is there.
    """
    for name in (_TOLD, _PAGE, *names):
        check_ours(folder / name)
    text = json.dumps({"figure": figure, "unfinished": True})
    write_whole(folder / _TOLD, lambda path: path.write_text(text, encoding="utf-8"))


def _current_files(folder: Path, findings: str) -> list[Path]:
    """The files of an earlier save, the page last, if they tell these findings and no module has changed since.

    The page is written last, so that it is there only if all else was.
    """
    page, told = folder / _PAGE, folder / _TOLD
    try:
        package = Path(__file__).parent
        changed = max(path.stat().st_mtime for kind in ("py", "html", "css") for path in package.rglob(f"*.{kind}"))
        if told.read_text(encoding="utf-8") != findings or page.stat().st_mtime < changed:
            return []
        kinds = (".nc", ".parquet", ".png", ".svg", ".pdf", ".json")
        return [*sorted(path for path in folder.iterdir() if path.suffix in kinds), page]
    except (OSError, UnicodeDecodeError):
        return []


def all_figures() -> tuple[Figure, ...]:
    """All figures that can be reproduced."""
    return tuple(find_figure(name) for name in NAMES)


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
    wanted, surfaces = find_figure(name), dict[str, xr.Dataset]()
    environment = replace(environment, store=_usable(environment.store))
    try:
        for key, dataset in wanted.measure(checked_scale(scale), seed, environment):
            surfaces[key] = dataset
    except MeasurementInterrupted as interrupt:
        if interrupt.dataset is not None:
            surfaces[PARTIAL] = interrupt.dataset
        if rescue is not None and surfaces:
            with contextlib.suppress(OutputFailed):  # the store has it
                if not _is_ours(rescue):
                    _take(rescue, wanted.name, _surface_files(surfaces))
                files = [Surface(dataset).to_netcdf(rescue / f"{key}.nc").name for key, dataset in surfaces.items()]
                interrupt.args = (
                    f"Interrupted; what was measured is in {rescue}: {', '.join(files)}. The same command goes on.",
                )
        raise
    seconds = sum(dataset.attrs["seconds"] for dataset in surfaces.values())
    return Reproduction(
        figure=wanted, scale=scale, seed=seed, seconds=seconds, kept=kept_line(environment.store) if seconds else "",
        surfaces={key: Surface(dataset) for key, dataset in surfaces.items()},
    )  # fmt: skip


def _usable(store: Place) -> Place:
    """The store; nothing is kept, with a warning, where the default one cannot be opened: a figure needs none."""
    if store is None:
        try:
            Store.open(None).close()
        except StoreUnusable as error:
            warnings.warn(f"{error} What is measured now will not be kept.", stacklevel=3)
            return IN_MEMORY
    return store


def checked_folder(folder: Path, *, names: Sequence[str], scale: str, seed: int, workers: int | None) -> Path:
    """The folder, created and shown to be ours to write before anything long is started; all settings checked first.

    Raises:
        UnknownName: for an unknown figure or scale.
        InvalidArgument: for a seed or number of workers that cannot be used.
        OutputFailed: if the folder cannot be written, or holds somebody else's files of these names.
    """
    for name in names:
        find_figure(name)
    checked_scale(scale)
    checked_seed(seed)
    if workers is not None:
        checked_count("workers", workers)
    figures = [folder] if len(names) == 1 else [folder / name for name in names]
    for place in {folder, *figures}:
        _check_writable(place)
    for place in (place for place in figures if not _is_ours(place)):
        check_ours(place / _TOLD)
        check_ours(place / _PAGE)
    if not any(map(_is_ours, figures)):
        check_ours(folder / _PAGE)
    return folder


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputFailed(f"{folder} cannot be written: {reason}; choose another with --out.") from error


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
