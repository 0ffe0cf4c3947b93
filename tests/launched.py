"""Scripts in several processes, by the launcher of docs/parallel.md."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs" / "parallel.md"


def two_processes(*arguments: str) -> subprocess.CompletedProcess[str]:
    return processes(2, *arguments)


def processes(count: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The page's launcher for one machine, before these arguments."""
    return subprocess.run(
        _command(count, arguments), env=_environment(), capture_output=True, text=True, timeout=300, check=False
    )


def killed(victims: Sequence[int], when: Callable[[], None], out: Path, *arguments: str) -> int:
    """Two processes that the launcher starts anew each time that one of them dies, and no more often; each victim, by
    its rank, is killed when ``when`` returns. What is printed goes to a file. The exit code."""
    command = _command(2, arguments, f"--max-restarts={len(victims)}", "--monitor-interval=0.1")
    with out.open("w") as file:
        launcher = subprocess.Popen(command, env=_environment(), stdout=file, stderr=subprocess.STDOUT)
        try:
            for restarts, rank in enumerate(victims):
                process = _worker(launcher, rank, restarts)
                when()
                os.kill(process, signal.SIGKILL)
            return launcher.wait(300)
        finally:
            launcher.terminate()
            launcher.wait(60)


def _command(count: int, arguments: Sequence[str], *options: str) -> list[str]:
    line = next(line for line in DOCS.read_text().splitlines() if "--standalone" in line)
    python, *launcher = shlex.split(line.partition("-m latelier")[0])
    assert python == "python"
    launcher[launcher.index("--nproc-per-node") + 1] = f"{count}"
    return [sys.executable, *launcher, *options, *arguments]


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def _worker(launcher: subprocess.Popen[bytes], rank: int, restarts: int) -> int:
    """The number of the process of this rank after this many restarts, once it has begun."""
    wanted = {f"RANK={rank}".encode(), f"TORCHELASTIC_RESTART_COUNT={restarts}".encode()}
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert launcher.poll() is None, "it ended before all were killed"
        for process in Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split():
            try:
                if wanted <= set(Path("/proc", process, "environ").read_bytes().split(b"\0")):
                    return int(process)
            except OSError:  # it has ended
                pass
        time.sleep(0.01)
    raise AssertionError(f"no process {rank} after {restarts} restarts")
