"""One polite way to fetch a document: kept for a while, asked for again only if it changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from engine.errors import DataError
from engine.sessions import cache_home, replace_file

MOST_BYTES = 64_000_000  # of a document; the largest chain known has 10
LONGEST_WAIT = 30.0  # seconds that a server may make us wait
AGENT = "market-watch (delayed option chains, one request a minute at most)"


@dataclass(frozen=True, slots=True)
class Politeness:
    """``timeout`` seconds for a request, ``retries`` after the first, ``keep`` seconds in the cache."""

    timeout: float = 10.0
    retries: int = 3
    keep: float = 60.0


def fetch(
    name: str,
    url: str,
    politeness: Politeness,
    parameters: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> bytes:
    """Return a document, from the cache while it is young.

    Requests that time out or meet 429 or a server's error are repeated, after the time the
    server asks for or half a second, doubled each time. An old document is asked for with
    its mark, so that an unchanged one is not sent again.

    Parameters
    ----------
    name : str
        Of the source, for messages: the address may hold a key.
    url : str
    politeness : Politeness
    parameters : mapping, optional
        Of the address; they never appear in messages or file names.
    folder : Path, optional
        Of the cache.

    Raises
    ------
    DataError
        What went wrong, in one line.
    """
    folder = folder or cache_home() / "delayed"
    digest = hashlib.sha256(json.dumps([url, sorted((parameters or {}).items())]).encode()).hexdigest()[:24]
    body, head = folder / f"{digest}.body", folder / f"{digest}.json"
    told = _told(head) if body.is_file() else {}
    if told and 0.0 <= time.time() - float(told["at"]) < politeness.keep:
        return body.read_bytes()
    asked = {"User-Agent": AGENT, "Accept-Encoding": "gzip"}
    for mark, header in (("etag", "If-None-Match"), ("modified", "If-Modified-Since")):
        if told.get(mark):
            asked[header] = str(told[mark])
    status, headers, content = _patient(name, url, parameters, asked, politeness)
    if status == 304 and told:
        _write(head, json.dumps({**told, "at": time.time()}).encode())
        return body.read_bytes()
    if status == 404:
        raise DataError(f"{name}: has nothing at this address (404); the symbol may be unknown there")
    if status in (401, 403):
        raise DataError(f"{name}: refuses the request ({status}); check the key or the permission")
    if status != 200:
        raise DataError(f"{name}: answered {status}, expected 200")
    kept = {"at": time.time(), "etag": headers.get("etag"), "modified": headers.get("last-modified")}
    with contextlib.suppress(OSError):  # a read-only cache only costs the next request
        _write(body, content)
        _write(head, json.dumps(kept).encode())
    return content


def _patient(
    name: str,
    url: str,
    parameters: Mapping[str, str] | None,
    headers: Mapping[str, str],
    politeness: Politeness,
) -> tuple[int, httpx.Headers, bytes]:
    wait, why = 0.5, ""
    with httpx.Client(timeout=politeness.timeout, follow_redirects=True) as client:
        for attempt in range(politeness.retries + 1):
            try:
                status, told, content = _once(name, client, url, parameters, headers)
            except httpx.TimeoutException:
                why = f"no answer within {politeness.timeout:g} seconds"
            except httpx.InvalidURL as error:
                raise DataError(f"{name}: the address is no address ({error})") from None
            except httpx.HTTPError as error:
                why = f"cannot be reached ({type(error).__name__})"
            else:
                if status != 429 and status < 500:
                    return status, told, content
                why = f"answered {status}"
                wait = _asked(told.get("retry-after"), wait)
            if attempt < politeness.retries:
                time.sleep(wait)
                wait = min(2.0 * wait, LONGEST_WAIT)
    raise DataError(f"{name}: {why}, {politeness.retries + 1} times over; try again later")


def _once(
    name: str,
    client: httpx.Client,
    url: str,
    parameters: Mapping[str, str] | None,
    headers: Mapping[str, str],
) -> tuple[int, httpx.Headers, bytes]:
    parts, size = [], 0
    with client.stream("GET", url, params=parameters, headers=headers) as answer:
        for part in answer.iter_bytes():
            size += len(part)
            if size > MOST_BYTES:
                raise DataError(f"{name}: sent more than {MOST_BYTES // 1_000_000} MB, expected a chain")
            parts.append(part)
    return answer.status_code, answer.headers, b"".join(parts)


def _asked(header: str | None, wait: float) -> float:
    try:
        return min(max(float(header or ""), wait), LONGEST_WAIT)
    except ValueError:
        return wait  # a date, or nothing


def _told(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text())
        float(held["at"])
        return dict(held)
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    replace_file(path, Path(part))
