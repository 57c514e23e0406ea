"""The native kernel on the same requests: one call scores many, so that the call does not count."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def loop(library: Path, campaigns: int, n: int, turns: int, shared: int) -> Iterator[Callable[[int], int]]:
    """Scores the next so many requests and gives the number of picks."""
    native = ctypes.CDLL(str(library))
    create, run, free = native.equipoise_bench_create, native.equipoise_bench_run, native.equipoise_bench_free
    create.argtypes, create.restype = [ctypes.c_int32] * 4, ctypes.c_void_p
    run.argtypes, run.restype = [ctypes.c_void_p, ctypes.c_int32], ctypes.c_int32
    free.argtypes, free.restype = [ctypes.c_void_p], None
    handle = create(campaigns, n, turns, shared)
    if not handle:
        raise RuntimeError("no native loop")
    try:
        yield lambda calls: run(handle, calls)
    finally:
        free(handle)
