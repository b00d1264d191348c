"""A bundle is unpacked once, and each of its modules compiled once, however many environments run it.

The emulator unpacks it anew for each environment, whose first invocation then compiles all that it imports: half a
second of a laptop for each. On AWS environments of one bundle do not share a folder, but cannot write to it either.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (what is an environment's own)
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.core import lambda_runtime

from localaws.corrections.wrapping import EmulatorChangedError
from localaws.runtime import Runtime


def install(runtime: Runtime) -> None:
    """Let the emulator link to a shared folder what it would unpack. What an earlier server left goes: code changes."""
    folder = runtime.home.temporary / "bundles"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    unpacking = threading.Lock()

    class SharedArchive(zipfile.ZipFile):
        def extractall(self, path: Any = None, *further: Any) -> None:
            # the emulator itself adds to the folder of a Node.js function
            if further or self.filename is None or not any(name.endswith(".py") for name in self.namelist()):
                super().extractall(path, *further)
                return
            with Path(self.filename).open("rb") as file:
                kept = folder / hashlib.file_digest(file, "sha256").hexdigest()
            with unpacking:
                if not kept.exists():
                    staging = kept.with_suffix(".unpacking")
                    shutil.rmtree(staging, ignore_errors=True)
                    super().extractall(staging)
                    staging.rename(kept)
            Path(path).rmdir()
            Path(path).symlink_to(kept)

    if getattr(lambda_runtime, "zipfile", None) is not zipfile:
        raise EmulatorChangedError("This ministack does not unpack functions by zipfile, which is corrected here.")
    shared = ModuleType(zipfile.__name__)
    vars(shared).update(vars(zipfile), ZipFile=SharedArchive)
    lambda_runtime.zipfile = shared
