"""A function sees its own bundle and the standard library, not what the emulator is installed with or told.

https://docs.aws.amazon.com/lambda/latest/dg/python-package.html: what a function needs is in its package or a layer.
Here boto3 is not provided either, which is stricter than AWS: a bundle that brings its own does not change under it.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from ministack.core import lambda_runtime

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime
from localaws.server import SETTINGS


def install(runtime: Runtime) -> None:
    """Run Python functions under an interpreter without site-packages, the emulator's settings and the user's home.

    A laptop's ~/.aws/config would tell boto3 what no configuration on AWS does.
    """
    launcher = runtime.home.temporary / "lambda-python"
    interpreter = shlex.quote(_bare_interpreter())
    script = f'#!/bin/sh\nunset {" ".join(SETTINGS)}\nexport HOME=/tmp\nexec {interpreter} -E -s -S "$@"\n'
    launcher.write_text(script, encoding="utf-8")
    launcher.chmod(0o700)

    def detect(original: Callable[[str], tuple[str, str]], runtime_name: str) -> tuple[str, str]:
        binary, script = original(runtime_name)
        return (str(launcher) if runtime_name.startswith("python") else binary), script

    wrap(lambda_runtime, "_detect_runtime_binary", detect)


def _bare_interpreter() -> str:
    """Return the interpreter that the emulator's virtual environment was made from."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return base if Path(base).exists() else sys.executable
