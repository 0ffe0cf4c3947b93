"""A request to a store, made again where that may help, after a wait that doubles. What is missing, forbidden, no
address or fails for long is refused in one line that names the object."""

import re
import time
from collections.abc import Callable
from json import JSONDecodeError
from typing import TypeVar

from latelier.errors import Refusal
from latelier.storage.addresses import scheme_of

Found = TypeVar("Found")
TRIES, WAIT, LONGEST = 6, 0.5, 20.0  # attempts at a request, and seconds between them: doubled up to the longest
LOST = "nothing that was saved is lost, the same command (a training with --resume) goes on when it is there again"
TRYING = ("gs",)  # read by a library that makes six attempts by itself, within half a minute
FORMS = {  # of addresses
    "s3": "s3://BUCKET/NAME.tar",
    "gs": "gs://BUCKET/NAME.tar",
    "hf": "hf://datasets/OWNER/NAME/FILE.parquet",
    "https": "https://HOST/NAME.tar",
    "http": "http://HOST/NAME.tar",
}


class CutError(OSError):
    """Fewer bytes came than were asked for."""


def tried(request: Callable[[], Found], what: str, *, looked_up: bool = False) -> Found:
    """The answer to a request, which is made again where that may help; ``looked_up``: it asks what is at an address,
    and a library's ValueError is of that address, not of what a file holds. Raises FileNotFoundError, and Refusal."""
    for attempt in range(TRIES):
        try:
            return request()
        except Refusal:
            raise
        except Exception as raised:  # each library has errors of its own
            if (error := _meant(raised)) is None:
                raise
            if _forbidden(error):
                raise Refusal(
                    f"{what}: no permission to read it ({words(error)}); give keys as docs/shards.md says"
                ) from error
            if (form := FORMS.get(scheme_of(what))) and _malformed(error, looked_up):
                raise Refusal(f"{what} cannot be an address ({words(error)}); expected one as {form}") from error
            enough = scheme_of(what) in TRYING and not isinstance(error, CutError)
            if enough or attempt == TRIES - 1:
                raise Refusal(f"{what} cannot be read, after {TRIES} attempts: {words(error)}; {LOST}") from error
        time.sleep(min(LONGEST, WAIT * 2**attempt))
    raise AssertionError


def words(error: Exception) -> str:
    """An error in one line, without what a signed address may hold."""
    text = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"\?\S+", "?...", text)[:300]


def _meant(error: Exception) -> Exception | None:
    """What went wrong; None where an object is simply not there, which fsspec also says of a web server that does not
    answer or refuses."""
    if not isinstance(error, FileNotFoundError):
        return error
    cause = error.__cause__
    web = isinstance(cause, TimeoutError) or type(cause).__module__.partition(".")[0] == "aiohttp"
    return cause if isinstance(cause, Exception) and web and getattr(cause, "status", None) != 404 else None


def _forbidden(error: Exception) -> bool:
    return (
        isinstance(error, PermissionError)
        or (getattr(error, "status", 0) or getattr(error, "code", 0)) in (401, 403)
        or type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "GatedRepoError", "RefreshError")
        or str(error).startswith("Forbidden: ")  # all that gcsfs says of it
    )


def _malformed(error: Exception, looked_up: bool) -> bool:
    """Whether a library says so of the address: no second attempt helps. What a server answers, and what its
    certificate says, are other errors of these types."""
    of_server = isinstance(error, OSError | UnicodeError | JSONDecodeError)
    of_address = looked_up and isinstance(error, ValueError | NotImplementedError) and not of_server
    return of_address or type(error).__name__ == "ParamValidationError"
