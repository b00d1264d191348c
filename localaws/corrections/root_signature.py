"""The root user's requests are signed too: the emulator takes the access key id alone for proof.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html: every request is authenticated by its signature.
Without this, any program or web page that guesses the key id is an administrator of a server that runs programs.
"""

from __future__ import annotations

from collections.abc import Callable

from ministack.core import iam_evaluator

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime


def install(runtime: Runtime) -> None:
    """Let no key skip the signature check."""
    del runtime
    wrap(iam_evaluator, "_is_root_key", _is_exempt)


def _is_exempt(original: Callable[[str], bool], access_key_id: str) -> bool:
    del original, access_key_id
    return False
