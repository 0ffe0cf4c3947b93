"""Scripts in several processes, by the launcher of docs/parallel.md."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs" / "parallel.md"


def two_processes(*arguments: str) -> subprocess.CompletedProcess[str]:
    return processes(2, *arguments)


def processes(count: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The page's launcher for one machine, before these arguments."""
    line = next(line for line in DOCS.read_text().splitlines() if "--standalone" in line)
    python, *launcher = shlex.split(line.partition("-m latelier")[0])
    assert python == "python"
    launcher[launcher.index("--nproc-per-node") + 1] = f"{count}"
    command, environment = [sys.executable, *launcher, *arguments], os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
