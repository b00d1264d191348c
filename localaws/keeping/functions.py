"""The code of functions: a file each, named by its hash, which the row of Lambda names."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

from ministack.services import lambda_svc

from localaws.corrections.wrapping import wrap

_REMEMBERED = 32
"""Of how many functions and versions the hash is remembered."""


def install() -> None:
    """Take over when files of code are written and removed."""
    wrap(lambda_svc, "_write_code_blob", _write)
    wrap(lambda_svc, "_prune_orphan_code_blobs", _Pruning())


@functools.lru_cache(_REMEMBERED)
def _hash(code: bytes) -> str:
    """Return the SHA-256 in hexadecimal; at once for code that was asked for before, which Python has hashed itself."""
    return hashlib.sha256(code).hexdigest()


def _write(original: Callable[[bytes], str], code: bytes) -> str:
    """Leave code alone that has its file: the emulator hashes megabytes a function whenever the row is looked at."""
    known = _hash(code)
    return known if Path(lambda_svc.CODE_BLOB_DIR, f"{known}.zip").exists() else original(code)


class _Pruning:
    """Deletes functions' code one round late: the row on disk still names what the one to be written does not."""

    def __init__(self) -> None:
        self._before: set[str] | None = None

    def __call__(self, original: Callable[[set[str]], None], referenced: set[str]) -> None:
        if self._before is not None:
            original(self._before | referenced)
        self._before = set(referenced)
