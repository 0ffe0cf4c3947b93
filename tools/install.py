"""Brings .venv to what constraints.txt and pyproject.toml ask for. `make install` runs it, by .venv's future Python.

Only the standard library is used: on a newcomer's machine there is nothing else. uv, brought in by pip, fills the
environment; where it cannot (a private index that only pip knows), pip does the same from the same hashes, more slowly.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NoReturn

ENVIRONMENT = Path(".venv")
INSIDE = ENVIRONMENT / "bin" / "python"
SYSTEM_TORCH = os.environ.get("LATELIER_TORCH") == "system"
GIGABYTES = 8 if sys.platform == "linux" and not SYSTEM_TORCH else 2  # torch for Linux brings CUDA's libraries
ONLY_FOR_TORCH = r"(torch|torchvision|triton)==|(nvidia|cuda)-"
HAS_ENSUREPIP = importlib.util.find_spec("ensurepip") is not None  # Debian ships it apart


def main(stamp: Path) -> None:
    """Installs, then writes the stamp: its name says what is installed, its text where and on which torch."""
    if sys.version_info < (3, 11):  # noqa: UP036, nobody has checked yet
        refuse(f"Python >= 3.11 is needed, {sys.executable} is {sys.version.split()[0]}; try make PYTHON=python3.12")
    with open(".venv.lock", "w") as lock:  # the kernel lets go of it when we and our children end, however we end
        wait_for_others(lock.fileno())
        if stamp.exists() and INSIDE.exists():
            return  # another process did it while this one waited
        place = f"{Path.cwd()} torch={'system' if SYSTEM_TORCH else 'locked'}\n"
        finished = list(ENVIRONMENT.glob(".ok-*"))
        if not INSIDE.exists() or place not in [old.read_text() for old in finished]:
            create()  # none yet, broken off half-way, or moved here from elsewhere
        for old in finished:
            old.unlink(missing_ok=True)
        fill(requirements())
        stamp.write_text(place)


def refuse(reason: str) -> NoReturn:
    """Ends the program with one line."""
    sys.exit(f"latelier: {reason}")


def wait_for_others(lock: int) -> None:
    """Takes the lock, saying so if it has to wait for another installation of this folder."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("latelier: another process is installing here; waiting for it", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)


def create() -> None:
    """An empty environment. Refuses where the disk would not hold what comes into it."""
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    free = shutil.disk_usage(".").free / 1e9
    if free < GIGABYTES:
        refuse(f"{GIGABYTES} GB of free disk are needed to install, {free:.1f} GB are free: make room, then try again")
    print(f"latelier: installing into {ENVIRONMENT}; this takes from half a minute to a few minutes", flush=True)
    venv.create(ENVIRONMENT, symlinks=True, with_pip=HAS_ENSUREPIP, system_site_packages=SYSTEM_TORCH)


def requirements() -> Path:
    """The locked packages; without torch and what only torch needs where the system's torch is used."""
    lock = Path("constraints.txt")
    if not SYSTEM_TORCH:
        return lock
    try:
        run(str(INSIDE), "-c", "import torch")
    except subprocess.CalledProcessError:
        refuse(f"LATELIER_TORCH=system: {sys.executable} cannot import torch; install it there, or leave that out")
    packages = re.split(r"\n(?=\S)", lock.read_text())
    shorter = ENVIRONMENT / "constraints.txt"
    shorter.write_text("\n".join(package for package in packages if not re.match(ONLY_FOR_TORCH, package)))
    return shorter


def fill(lock: Path) -> None:
    """The locked packages, then this one in place."""
    if os.environ.get("INSTALLER") != "pip":
        try:
            return fill_with_uv(lock)
        except (subprocess.CalledProcessError, OSError) as failure:
            print(f"latelier: uv could not install ({failure}); pip goes on", flush=True)
    pip("--require-hashes", "--no-deps", "-r", str(lock))
    return pip("--no-deps", "--no-build-isolation", "--editable", ".")


def fill_with_uv(lock: Path) -> None:
    """As ``fill`` says; also takes out what the lock no longer names. Compiles, so that the first import is quick."""
    pip("--quiet", "--require-hashes", "--only-binary=:all:", "-r", "constraints-uv.txt")
    uv, to = [str(ENVIRONMENT / "bin" / "uv"), "pip"], ["--python", str(INSIDE)]
    run(*uv, "sync", *to, "--require-hashes", "--compile-bytecode", str(lock))
    run(*uv, "install", *to, "--no-deps", "--no-build-isolation", "--editable", ".")


def pip(*arguments: str) -> None:
    """``pip install`` into the environment, by its own pip, or by the one outside where it could be given none."""
    own = [str(INSIDE), "-m", "pip"] if HAS_ENSUREPIP else [sys.executable, "-m", "pip", "--python", str(INSIDE)]
    run(*own, "install", "--disable-pip-version-check", *arguments)


def run(*command: str) -> None:
    """Runs a command that shares our open lock. Raises CalledProcessError if it fails."""
    subprocess.run(command, check=True, close_fds=False)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except subprocess.CalledProcessError as failure:
        refuse(f"could not install: {' '.join(failure.cmd)} ended with {failure.returncode}; its own words are above")
    except KeyboardInterrupt:
        refuse("stopped; the next make goes on from here")
