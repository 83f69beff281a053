"""Runs the Python of a page that `make docs` does not run, and puts what it prints and draws into the page.

python docs/make_page.py

The page needs PyTorch, and building the pages must not. So each text block after Python is what that printed, and each
picture in the page's folder of _static what it saved. tests/test_docs.py runs the same code, on a smaller budget.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tempfile
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "your-own-network.md"
PICTURES = HERE / "_static" / "your_own_network"
WIDTH = 120


def main() -> None:
    """Run the page in a folder that is thrown away, keep its PNG files, and write what was printed."""
    names: dict[str, object] = {}

    def run(block: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block[2], PAGE.name, "exec"), names)  # noqa: S102 (our own page)
        lines = [textwrap.fill(line, WIDTH) for line in printed.getvalue().splitlines()]
        return block[1] + (f"\n```text\n{chr(10).join(lines)}\n```\n" if lines else "")

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        text = PAGE.read_text("utf-8")
        text = re.sub(r"(^```python\n(.*?)^```\n)(?:\n```text\n.*?^```\n)?", run, text, flags=re.MULTILINE | re.DOTALL)
        PICTURES.mkdir(parents=True, exist_ok=True)
        for picture in Path(folder).glob("*.png"):
            shutil.copyfile(picture, PICTURES / picture.name)
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
