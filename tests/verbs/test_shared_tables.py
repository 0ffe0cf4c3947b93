"""Several processes write one table, to the bytes of one process, also when they were killed in the middle."""

import shlex
from pathlib import Path

import pytest
from commands import Captured
from launched import processes
from verbs.test_streaming import COMMANDS, made

from latelier.cli import main
from latelier.storage.unfinished import data_of, note_of, share_of

pytestmark = pytest.mark.slow
__all__ = ["made"]
DIES = """
import os, signal, sys, time
from pathlib import Path
from latelier.cli import main
from latelier.storage import unfinished

unfinished.EVERY = 0
whole, kept = unfinished.Unfinished.add, 0

def add(part, content, done, state):
    global kept
    if kept == 1 and os.environ["RANK"] == "1":
        time.sleep(5)  # the other has written all of its share
        os.kill(os.getpid(), signal.SIGKILL)
    whole(part, content, done, state)
    kept += 1

unfinished.Unfinished.add = add
main(sys.argv[1:])
"""


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("verb", COMMANDS)
def test_the_file_is_that_of_one_process(here: Path, verb: str, count: int, capsys: Captured) -> None:
    command = shlex.split(COMMANDS[verb][0])
    main(command)
    said = capsys.readouterr().out
    out = Path(command[command.index("--out") + 1])
    alone = out.read_bytes()
    out.unlink()
    done = processes(count, "-m", "latelier", *command)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == alone
    assert done.stdout == said  # and process 0 alone says what one says
    assert not [path.name for path in Path().glob(".out.*")]


@pytest.mark.parametrize("again", [2, 1])
@pytest.mark.parametrize("verb", ["parts", "caption"])
def test_killed_processes_go_on_where_they_were(here: Path, verb: str, again: int, capsys: Captured) -> None:
    """In as many processes; in one, which begins anew, nothing of the others stays."""
    command = shlex.split(COMMANDS[verb][0])
    out = Path(command[command.index("--out") + 1])
    main(command)
    alone = out.read_bytes()
    out.unlink()
    Path("dies.py").write_text(DIES)
    done = processes(2, "dies.py", *command)
    assert done.returncode != 0
    assert not out.exists()
    assert all(path(share_of(out, number)).exists() for path in (data_of, note_of) for number in (0, 1))
    if again == 1:
        main(command)
    else:
        done = processes(2, "-m", "latelier", *command)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("going on after the") == 2
    assert out.read_bytes() == alone
    assert not [path.name for path in Path().glob(".out.*")]


def test_machines_without_a_shared_folder_are_refused(here: Path) -> None:
    Path("apart.py").write_text(
        "import os, sys\nfrom pathlib import Path\nfrom latelier.cli import main\n"
        "words = [word.replace('PLACE', os.environ['RANK']) for word in sys.argv[1:]]\nmain(words)\n"
    )
    done = processes(2, "apart.py", *shlex.split("encode run digits --out PLACE/out.parquet"))
    assert done.returncode != 0
    assert (
        "what process 0 writes is not seen by process 1: all machines must see one folder of 1/out.parquet"
        in done.stderr
    )
    assert not Path("0/out.parquet").exists()
