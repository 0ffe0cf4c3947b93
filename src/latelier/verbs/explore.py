"""latelier explore: the web page."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from latelier.terminal.say import say
from latelier.verbs.options import As, Place, Whole

if TYPE_CHECKING:
    import socket

PORT = 8765
HERE = "127.0.0.1"


def explore(
    *runs: Place,
    data: Place | None = None,
    port: Whole | None = None,
    host: str = HERE,
    labels: Place | None = None,
    token: bool = False,
    open_: Annotated[bool, Parameter(name="--open")] = False,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> None:
    """Serve a web page that shows the codes of runs and lets you change them, until Ctrl-C.

    By default only this machine can open the page. The page sends nothing anywhere. It says what it is doing
    until it says the address. Raises Refusal (exit 2) for bad input, and if starlette and uvicorn are missing (the
    extra explore).

    Parameters
    ----------
    runs
        One run folder, or several to compare.
    data
        Images to show; by default the test split of what each run was trained on.
    port
        Port of the page; by default 8765, or any free port if 8765 is taken. 0 takes any free port.
    host
        An address of this machine at which other machines may open the page; they need the token that is then printed.
    labels
        Where the labels that you give on the page are kept, as a CSV file that --labels-file of train reads; attributes
        stand beside it. By default labelling/labels.csv in the first run. Rows that others write count from then on.
    token
        Ask for a token on this machine too, where others have accounts: without it, all of them can open the page.
    open_
        Open the page in this machine's browser once it is there.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    import secrets
    import webbrowser
    from importlib.util import find_spec
    from threading import Thread

    from latelier.errors import Refusal
    from latelier.terminal.tables import counted

    if not (find_spec("starlette") and find_spec("uvicorn")):
        raise Refusal('explore needs starlette and uvicorn, which are not installed: pip install "latelier[explore]"')
    if runs:  # before torch is imported, which takes most of the time
        from latelier.runs import hub

        for run in runs:
            if not str(run).startswith(hub.SCHEME):  # those are downloaded as they are opened
                hub.found(run)
        say(f"opening {counted(len(runs), 'run')}")
    import uvicorn

    from latelier.device import prepare_cpu
    from latelier.explore.app import build_app
    from latelier.explore.connections import patient
    from latelier.explore.guard import LOCAL
    from latelier.explore.open_runs import open_runs
    from latelier.explore.uploads import Uploads
    from latelier.runs.where import Where
    from latelier.storage.folders import check_above
    from latelier.storage.paths import place

    prepare_cpu()
    uploads = Uploads()
    with _listen(host, port) as listening:  # before images are read: a port that is taken is said at once
        kept = place(labels, "--labels") if labels else None
        if kept is not None:
            check_above(kept, "--labels")
        places = open_runs(runs, data, Where.of(data_root, download, as_), uploads, say)
        near = host in LOCAL
        secret = secrets.token_urlsafe(16) if token or not near else ""
        app = build_app(places, uploads, LOCAL if near else (*LOCAL, host.lower()), secret, kept)
        address = f"http://{HERE if near else host}:{listening.getsockname()[1]}/{f'?token={secret}' if secret else ''}"
        say(f"{address}\nCtrl-C ends it")
        config = uvicorn.Config(
            app,
            http=patient(),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=128,
            ws="none",
        )
        if open_:  # it listens already; a browser in the terminal would not come back
            Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # the usual end
            say()


def _listen(host: str, port: int | None) -> "socket.socket":
    """Raises Refusal for a port that is taken, and for an address that does not belong to this machine."""
    import socket

    from latelier.errors import Refusal

    if host in ("0.0.0.0", "::", ""):
        raise Refusal(
            "--host takes the one address or name by which others reach this machine, not all of them at once"
        )
    if port is not None and not 0 <= port < 1 << 16:
        raise Refusal(f"--port takes a number from 0 to 65535, but got {port}")
    for number in (PORT, 0) if port is None else (port,):
        try:
            listening = socket.create_server((host, number))
            # Or an answer's second packet waits 40 ms for a receipt of its first; connections inherit it.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listening
        except OSError as error:
            reason = error.strerror or str(error)
    raise Refusal(f"cannot serve on {host}:{PORT if port is None else port}: {reason}; give another --port, or --host")
