"""The bank of triage: real trainings of known truth, in two halves that differ by seed and by family.

    python benchmarks/triage/bank.py list
    python benchmarks/triage/bank.py generate --half development --out FOLDER [--workers 2] [FAMILY ...]
    python benchmarks/triage/bank.py pack FOLDER ...

``generate`` writes a file a group of a family and goes on where it was interrupted; ``pack`` joins the files of both
halves into ``bank.parquet``. Nobody looks at what the rule says of the untouched half before the rule is frozen.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from pathlib import Path
from typing import get_args

for _library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: one of its scripts is called statistics

import torch  # noqa: E402
from triage.family import SEEDS, Family  # noqa: E402
from triage.training import Half, read_trainings, write_trainings  # noqa: E402

BANK = Path(__file__).with_name("bank.parquet")
MODULES = tuple(sorted(path.stem for path in Path(__file__).with_name("families").glob("*.py")))


def families() -> dict[str, Family]:
    """Every family by its name."""
    found: dict[str, Family] = {}
    for module in MODULES:
        for family in getattr(import_module(f"triage.families.{module}"), "FAMILIES", ()):
            if family.name in found:
                raise ValueError(f"two families are called {family.name}")
            found[family.name] = family
    return found


def generate(half: Half, folder: Path, names: Sequence[str], workers: int) -> None:
    """Make what is not there yet."""
    known = families()
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"no such family: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    wanted = [known[name] for name in names or known if known[name].in_half(half)]
    left = [
        (family.name, group)
        for family in wanted
        for group in range(family.groups)
        if not _file(folder, family.name, group).exists()
    ]
    if workers == 1:
        for name, group in left:
            print(_generate(name, group, half, folder), flush=True)
        return
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_generate, name, group, half, folder) for name, group in left]
        try:
            for job in as_completed(jobs):
                print(job.result(), flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise SystemExit("interrupted; the same command goes on from here") from None


def pack(folders: Sequence[Path], bank: Path) -> None:
    """Join the files of these folders into one."""
    files = sorted(file for folder in folders for file in folder.glob("*.parquet"))
    trainings = [training for file in files for training in read_trainings(file)]
    names = {training.name for training in trainings}
    if len(names) < len(trainings):
        raise SystemExit(f"{len(trainings) - len(names)} names occur twice: pack each half once")
    write_trainings(sorted(trainings, key=lambda training: (training.half, training.family, training.name)), bank)
    print(f"{len(trainings)} trainings, {bank.stat().st_size / 1e6:.1f} MB: {bank}")


def _generate(name: str, group: int, half: Half, folder: Path) -> str:
    start = time.process_time()
    torch.set_flush_denormal(True)  # the gradients of an interpolating network would take twice as long
    try:
        trainings = families()[name].make(group, half, SEEDS[half])
    finally:
        torch.set_flush_denormal(False)
    write_trainings(trainings, _file(folder, name, group))
    return f"{half} {name} {group}: {len(trainings)} trainings, {time.process_time() - start:.1f} CPU seconds"


def _file(folder: Path, name: str, group: int) -> Path:
    return folder / f"{name}-{group:02d}.parquet"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the families and how many groups each has")
    generating = commands.add_parser("generate", help="make the trainings of a half")
    generating.add_argument("--half", choices=get_args(Half), required=True)
    generating.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    generating.add_argument("--workers", type=int, default=1)
    generating.add_argument("families", nargs="*", metavar="FAMILY")
    packing = commands.add_parser("pack", help="join both halves into one file")
    packing.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    packing.add_argument("--bank", type=Path, default=BANK)
    chosen = parser.parse_args(arguments)
    if chosen.command == "list":
        for family in families().values():
            print(f"{family.name}: {family.groups} groups{', untouched only' if family.untouched_only else ''}")
    elif chosen.command == "generate":
        generate(chosen.half, chosen.out, chosen.families, chosen.workers)
    else:
        pack(chosen.folders, chosen.bank)


if __name__ == "__main__":
    main()
