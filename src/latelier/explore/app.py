"""The server: pages and images by GET, what panels do by POST, one sentence for everything that goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from latelier import __version__
from latelier.errors import Refusal
from latelier.explore.answers import JSONResponse, answered, error_answer
from latelier.explore.evaluated import begun
from latelier.explore.guard import LOCAL, Guard, TooLongError
from latelier.explore.opened_run import QUICK, OpenedRun, Unknown
from latelier.explore.page_runs import PageRuns
from latelier.explore.panels import actions_of, find, list_panels, possible, tables_of
from latelier.explore.requests import Question
from latelier.explore.shipped import TYPES, shipped
from latelier.explore.uploads import Uploads
from latelier.explore.worker import Worker
from latelier.sheets.sheet import png

Endpoint = Callable[[Request], Awaitable[Response]]
LONGEST = 1 << 20  # bytes of a question
READING = 4  # uploads at a time


class Explorer:
    """The runs of one page, the worker that answers for them, and the files of the page."""

    def __init__(self, opened_runs: Sequence[OpenedRun], uploads: Uploads, labels: Path | None = None):
        self.uploads, self.worker = uploads, Worker()
        self.runs = PageRuns(opened_runs, uploads, self.worker, labels)
        self._reading = asyncio.Semaphore(READING)
        self._files = dict(shipped())

    async def page(self, request: Request) -> Response:
        """Files by a name that is among those shipped: nothing is looked up on the disk."""
        name = request.path_params.get("name") or "index.html"
        if name not in self._files:
            raise Unknown(f"this page has no {name[:60]}")
        content, mark = self._files[name]
        headers = {"etag": mark, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == mark:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=TYPES[name.rpartition(".")[2]], headers=headers)

    async def site(self, request: Request) -> Response:
        """What there is: runs, their panels, their images."""
        opened_runs = self.runs.all()
        shown = {opened.name: possible(opened, len(opened_runs)) for opened in opened_runs}
        runs = [
            {
                "id": opened.name,
                "model": opened.run.card.model,
                "title": opened.title,
                "image": opened.model.image,
                "source": opened.shown.source,
                "count": len(opened.shown),
                "version": opened.shown.fingerprint[:8],
                "images": self.runs.marks[opened.name],
                "seen": opened.run.seen,
                "folder": str(opened.run.folder),
                "panels": shown[opened.name],
                "remark": opened.codes.remark,
            }
            for opened in opened_runs
        ]
        panels = {name: _panel_facts(name) for name in list_panels() if any(name in names for names in shown.values())}
        return JSONResponse({"version": __version__, "runs": runs, "panels": panels})

    async def image(self, request: Request) -> Response:
        """An image as the model sees it."""
        pixels = self._opened(request).pixels(request.path_params["image"])
        return Response(png(pixels, QUICK), media_type="image/png", headers={"cache-control": "private, max-age=3600"})

    async def upload(self, request: Request) -> Response:
        """Keeps an image; answers its id. Few are read at a time, so that their bytes are bounded too."""
        async with self._reading:
            content = await request.body()
            name = await asyncio.get_running_loop().run_in_executor(None, self.uploads.add, content)
        return JSONResponse({"image": name})

    async def act(self, request: Request) -> Response:
        """What a panel does, by the worker."""
        opened, panel, action = self._opened(request), request.path_params["panel"], request.path_params["action"]
        if panel not in possible(opened, len(self.runs.by_name)) or action not in actions_of(panel):
            raise Unknown(f"{opened.name} has no {panel[:30]}/{action[:30]}")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "a question is JSON")
        body = await request.body()
        if len(body) > LONGEST:
            raise TooLongError
        try:
            question = Question(json.loads(body))
        except (ValueError, RecursionError) as error:
            raise error if isinstance(error, Refusal) else Refusal("a question is JSON, and this is none") from error
        if action in getattr(find(panel), "AT_ONCE", ()):
            at_once = partial(actions_of(panel)[action], opened, question)
            return JSONResponse(await asyncio.get_running_loop().run_in_executor(None, at_once))
        key = request.headers.get("x-client", "")[:32], opened.name, panel, action
        return await answered(self.worker.ask(key, partial(begun, opened, actions_of(panel)[action], question)))

    async def table(self, request: Request) -> Response:
        """Many numbers, as bytes in little-endian order; their type and shape are in a header."""
        opened, panel, name = self._opened(request), request.path_params["panel"], request.path_params["table"]
        if panel not in possible(opened, len(self.runs.by_name)) or name not in tables_of(panel):
            raise Unknown(f"{opened.name} has no {panel[:30]}/{name[:30]}")
        question = Question(dict(request.query_params))
        key = request.headers.get("x-client", "")[:32], opened.name, panel, name, request.url.query
        pending = self.worker.ask(key, partial(begun, opened, tables_of(panel)[name], question))
        found: np.ndarray = await asyncio.wrap_future(pending.future)
        found = np.ascontiguousarray(found, found.dtype.newbyteorder("<"))
        headers = {"x-table": f"{found.dtype.name} {' '.join(map(str, found.shape))}"}
        return Response(found.tobytes(), media_type="application/octet-stream", headers=headers)

    def _opened(self, request: Request) -> OpenedRun:
        name = request.path_params["run"]
        found = self.runs.by_name.get(name)
        if found is None:
            raise Unknown(f'no run "{name[:60]}" is open here; it has {", ".join(self.runs.by_name)}')
        return found


def build_app(
    opened_runs: Sequence[OpenedRun],
    uploads: Uploads,
    hosts: tuple[str, ...] = LOCAL,
    token: str = "",
    labels: Path | None = None,
) -> Starlette:
    """The whole server; its thread and what it trains end with it. Labels are kept at ``labels``, by default in the
    first run over the same images. Raises Refusal for a file of labels that is none."""
    explorer = Explorer(opened_runs, uploads, labels)

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        yield
        explorer.runs.jobs.close()
        explorer.worker.close()

    routes = [
        Route("/", _safe(explorer.page)),
        Route("/static/{name:path}", _safe(explorer.page)),
        Route("/api/site", _safe(explorer.site)),
        Route("/api/upload", _safe(explorer.upload), methods=["POST"]),
        Route("/api/{run}/image/{image}.png", _safe(explorer.image)),
        Route("/api/{run}/{panel}/{action}", _safe(explorer.act), methods=["POST"]),
        Route("/api/{run}/{panel}/{table}.bin", _safe(explorer.table)),
    ]
    app = Starlette(
        routes=routes,
        lifespan=living,
        middleware=[Middleware(Guard, hosts=hosts, token=token)],
        exception_handlers={HTTPException: _sentence},  # of the router
    )
    app.state.explorer = explorer
    return app


def _panel_facts(name: str) -> dict[str, str]:
    """What the page says of a panel."""
    panel = find(name)
    return {"title": panel.TITLE, "line": panel.LINE, "group": panel.GROUP, "key": panel.KEY}


def _safe(endpoint: Endpoint) -> Endpoint:
    """The endpoint, whose errors are answers: none of them ends the server."""

    async def safe(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:
            return await _sentence(request, error)

    return safe


async def _sentence(request: Request, error: Exception) -> Response:
    """An error as a status and one sentence."""
    status, content = error_answer(error)
    return JSONResponse(content, status)
