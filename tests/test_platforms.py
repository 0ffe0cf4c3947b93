"""What a Python without POSIX's modules can do, and locks: nobody here has Windows, so its lack is played."""

import ast
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from subprocess import PIPE

import pytest
from trees import nodes

import latelier
from latelier.errors import Refusal
from latelier.storage import files, locks
from latelier.terminal.say import say

SOURCE = Path(latelier.__file__).parent
LACKING = ("fcntl", "resource", "pwd", "grp", "termios")


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment of a Python that has none of the modules ``LACKING``."""
    lines = ["import sys", *(f"sys.modules[{name!r}] = None" for name in LACKING)]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("\n".join(lines))
    paths = [str(tmp_path / "site"), str(SOURCE.parent)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "LATELIER_CACHE": str(tmp_path / "cache")}


ALL = """
import latelier
from latelier.cli import main
train = "train vae --data digits --out run --images 64 --steps 2 --batch 8 --quiet --set latent=2 net=mlp net.widths=4"
for words in ("data", train, "score run --only reconstruction --quiet", "encode run digits --out codes.parquet"):
    main(words.split())
"""


@pytest.mark.slow
def test_the_main_verbs_work_without_the_modules_of_posix(elsewhere: dict[str, str], tmp_path: Path) -> None:
    code = f"try:\n    import fcntl\nexcept ImportError:\n    print('none here')\n{ALL}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=elsewhere, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("none here\n")  # the environment is what it says
    assert (tmp_path / "codes.parquet").stat().st_size > 0
    assert not list((tmp_path / "run").glob("*.held"))  # what stands for a lock goes with its holder


HOLD = """
import sys
from pathlib import Path
from latelier.storage import locks
with locks.held(Path(sys.argv[1]), wait=False) as lock:
    print("another's" if lock is None else "held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "none"])
def test_a_lock_is_refused_while_it_is_held_and_free_once_its_holder_was_killed(
    kernel: bool, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)} if kernel else elsewhere
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    start = partial(subprocess.Popen, command, env=environment, stdin=PIPE, stdout=PIPE, text=True)
    with start() as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with start() as other:
            assert other.communicate()[0] == "another's\n"
        holder.kill()
    with start() as next_one:
        assert next_one.communicate()[0] == "held\n"


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    held, second = files.only_writer(tmp_path), files.only_writer(tmp_path)
    with held, pytest.raises(Refusal, match="is being written by another latelier"), second:
        pass
    with files.only_writer(tmp_path):
        assert (tmp_path / locks.NAME).is_file()


def test_a_folder_without_the_right_to_write_is_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(Refusal, match=r"cannot write .*: Permission denied"), files.only_writer(tmp_path):
        pass


def test_a_file_system_that_knows_no_locks_has_the_holder_named_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    def unknown(*_: object, **__: object) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(filelock, "lock_descriptor", unknown)
    with files.only_writer(tmp_path):
        assert (tmp_path / ".lock.held").exists()
        with pytest.raises(Refusal, match="is being written by another latelier"), files.only_writer(tmp_path):
            pass
    assert not (tmp_path / ".lock.held").exists()


def text_mode(node: ast.AST) -> bool:
    """Whether this call opens a text without saying in which encoding: Windows takes another for each country."""
    if not isinstance(node, ast.Call) or any(word.arg in ("encoding", None) for word in node.keywords):
        return False
    if isinstance(node.func, ast.Attribute):
        least = {"read_text": 1, "write_text": 2}.get(node.func.attr, 0)
        return len(node.args) < least
    if not isinstance(node.func, ast.Name) or node.func.id != "open":
        return False
    modes = [ast.unparse(word.value) for word in node.keywords if word.arg == "mode"]
    modes += [ast.unparse(node.args[1])] if len(node.args) > 1 else []
    return not any("b" in mode for mode in modes)


def test_texts_say_their_encoding() -> None:
    found = [(name, ast.unparse(node)) for name, whole in nodes().items() for node in whole if text_mode(node)]
    assert found == []


@pytest.mark.parametrize(
    ("code", "found"),
    [("open(p)", True), ("p.read_text()", True), ("open(p, 'rb')", False), ("p.write_text(t, 'utf-8')", False)],
)
def test_a_text_without_encoding_would_be_found(code: str, found: bool) -> None:
    assert any(map(text_mode, ast.walk(ast.parse(code)))) is found


def test_what_a_stream_cannot_show_is_written_out(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(1, "w", encoding="cp1252", closefd=False) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        say("caf\u00e9 \u732b")
    monkeypatch.undo()
    assert capfd.readouterr().out.replace("\udce9", "\u00e9").strip().endswith("\\u732b")


ORPHAN = """
import sys
from latelier.data.packing import pool as crew
worker = crew._start(0)
print(worker.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
def test_a_decoding_process_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdin is not None
    worker = Path("/proc", parent.stdout.readline().strip())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while worker.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not worker.exists() or "Z" in (worker / "stat").read_text().split()[2]
