"""`make bench`: what Sen costs per request, beside npm `oidc-provider` doing the same work on the same machine.

Run it as `.venv/bin/python bench/run.py [--quick]`. It starts and stops everything that it needs, talks to the
loopback interface only, and prints Markdown, which it also leaves in `var/bench.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # the folder of a script stands there; ours is no package that could be installed
    from bench.comparison import main

    sys.exit(main(sys.argv[1:]))
