"""How the command begins: it can be interrupted from here on, and has streams to speak through, come what may.

Only what Python has loaded already is imported before that. ``import benign`` does none of this: signals and streams
belong to the program, and here ``benign`` is the program.
"""

from __future__ import annotations

import signal
import sys

from benign.cli.streams import open_streams


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # Nothing is lost yet: Ctrl-C just ends the process, where KeyboardInterrupt would meet half an import.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    open_streams()
    from benign.cli.answers import told
    from benign.cli.waiting import watched

    try:
        with watched(sys.argv):
            from benign.cli.main import app

            app()
    except Exception as error:
        sys.exit(told(error))
    finally:
        sys.stdout.flush()
