"""Variants on a Dask cluster (extra ``cluster``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import ConfigError
from scripts.outcomes import Outcome
from scripts.variants import Base, Variant, run_variant

CONNECT_SECONDS = 15
RETRIES = 2  # of a variant whose worker was lost


def outcomes_of(base: Base, left: Sequence[tuple[str, Variant]], scheduler: str) -> Iterator[Outcome]:
    """Run variants on the workers of a scheduler and give each outcome as it is finished.

    Every worker needs this version of the program; it makes or finds its bars itself.

    Raises
    ------
    ConfigError
        Dask is not installed, no scheduler answers, or its workers run another version.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ConfigError("scheduler: distributed is not installed, expected the extra cluster") from None
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:120]
        raise ConfigError(
            f"scheduler: {scheduler!r} does not answer ({said}), expected tcp://HOST:PORT"
        ) from None
    with client:
        _check_version(client)
        shared = client.scatter(base, broadcast=True)
        futures = [
            client.submit(
                run_variant, shared, variant, key, key=f"variant-{key}", pure=False, retries=RETRIES
            )
            for key, variant in left
        ]
        places = {future.key: place for future, place in zip(futures, left, strict=True)}
        for future in as_completed(futures, loop=client.loop):
            error = future.exception()
            if error is None:
                yield future.result()
            else:
                key, variant = places[future.key]
                told = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
                yield Outcome(key, dict(variant.changes), variant.signals, 0.0, told, 0.0, (), {})


def _check_version(client: object) -> None:
    from scripts.variants import source_digest

    mine = source_digest()
    for worker, theirs in client.run(source_digest).items():  # type: ignore[attr-defined]
        if theirs != mine:
            raise ConfigError(f"scheduler: worker {worker} runs another version, expected this one's source")
