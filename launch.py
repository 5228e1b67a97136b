"""Start Posestage: ``python launch.py COMMAND``; without a command the desktop opens."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - that is the message
    sys.stderr.write(f"Posestage needs Python 3.11 or newer; this is {sys.version.split()[0]}\n")
    sys.exit(2)

from app.cli.main import main

# The guard matters: the processes of the pipeline are spawned, and a spawned process imports this file.
if __name__ == "__main__":
    sys.exit(main())
