"""Runs each example of this folder in an environment of its own, with the versions that it names, and keeps what it
printed in results.json, beside Python, versions and seconds.

python examples/training_loops/check.py [--folder FOLDER] [NAME ...]

An example that stands in results.json as it is now is not run again, unless it is named. An environment is made once
(tens of seconds, a gigabyte where it holds PyTorch) and lies in the folder, a temporary one unless said. All of them
take about ten minutes on two cores, most of it for installing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import re
import subprocess
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results.json"


def examples() -> dict[str, Path]:
    """The examples by their names: every script here but this one."""
    return {path.stem: path for path in sorted(HERE.glob("*.py")) if path.stem != "check"}


def requirements(example: Path) -> list[str]:
    """What an example needs beside benign, in the order of installation: its line ``# needs: torch==2.13.0 ...``."""
    (line,) = re.findall(r"^# needs: (.+)$", example.read_text("utf-8"), re.MULTILINE)
    return str(line).split()


def digest(example: Path) -> str:
    """What tells an edited example from the one whose numbers are kept."""
    return hashlib.sha256(example.read_bytes()).hexdigest()[:16]


def installed(example: Path, folder: Path) -> Path:
    """The Python of an environment with what the example needs, made unless it is there; those that need the same share
    one.

    PyTorch comes first where it is named: an exact version of it satisfies whatever is installed after it.
    """
    wanted = requirements(example)
    place = folder / "_".join(re.sub(r"[\[\]]", ".", one) for one in wanted)
    python, stamp = place / ("Scripts" if os.name == "nt" else "bin") / "python", place / "is-complete"
    if not stamp.exists():
        venv.create(place, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        for what in (*([one] for one in wanted), ["-e", str(ROOT)]):
            subprocess.run([*install, "-c", str(ROOT / "requirements.lock"), *what], check=True)
        stamp.touch()
    return python


def versions(example: Path, python: Path) -> dict[str, str]:
    """The versions in the environment of what the example needs."""
    names = [re.split(r"[\[=]", one)[0] for one in requirements(example)]
    code = "import json, sys; from importlib.metadata import version; print(json.dumps([*map(version, sys.argv[1:])]))"
    told = subprocess.run([str(python), "-c", code, *names], check=True, capture_output=True, text=True).stdout
    return dict(zip(names, json.loads(told), strict=True))


def table_of(printed: str) -> list[str]:
    """The lines of the table of test losses that an example printed: a row for each time, a column for each size.

    Raises:
        ValueError: where there is none, or where a number in it is not finite.
    """
    found = re.search(r"^size +\d.*\ntime *\n(.+\n?)+", printed, flags=re.MULTILINE)
    lines = [] if found is None else found[0].splitlines()
    if not lines or not all(len(row) == 2 and all(map(math.isfinite, row)) for row in losses(lines)):
        raise ValueError(f"no table of finite losses was printed, but:\n{printed}")
    return lines


def losses(table: list[str]) -> list[list[float]]:
    """The numbers in such lines: for each time one for each size."""
    return [[float(cell) for cell in line.split()[1:]] for line in table[2:]]


def result_of(example: Path, folder: Path) -> dict[str, object]:
    """Run an example where it is installed, and what is to be known of that."""
    python = installed(example, folder)
    settings, start = {**os.environ, "KERAS_BACKEND": "torch"}, time.perf_counter()
    done = subprocess.run([str(python), str(example)], check=False, capture_output=True, text=True, env=settings)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{example.name} failed:\n{done.stderr}")
    return {
        "digest": digest(example),
        "python": platform.python_version(),
        "versions": versions(example, python),
        "seconds": round(seconds, 1),
        "printed": table_of(done.stdout),
    }


def main(names: list[str], folder: Path) -> None:
    """Run those that are named, or all that have changed, and keep each result as soon as it is there."""
    if unknown := set(names) - set(examples()):
        raise SystemExit(f"no example is called {', '.join(sorted(unknown))}; they are {', '.join(examples())}")
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name, example in examples().items():
        if name in names if names else kept.get(name, {}).get("digest") != digest(example):
            print(name, flush=True)
            kept[name] = result_of(example, folder)
            RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="the examples to run; those that changed unless said")
    parser.add_argument("--folder", type=Path, help="where the environments lie; a temporary folder unless said")
    arguments = parser.parse_args()
    if arguments.folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            main(arguments.names, Path(temporary))
    else:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        main(arguments.names, arguments.folder.resolve())
