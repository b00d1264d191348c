"""Pipe mode: a FIFO `/opt/ml/input/data/<channel>_<epoch>` for each pass over the data.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html#your-algorithms-training-algo-running-container-inputdataconfig
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import stat
import threading
from pathlib import Path
from typing import IO, Any

from localaws.sagemaker.channels import Channel, Item, JobError, data_errors, items

_CHUNK = 1 << 20


class ChannelPipe:
    """Streams a channel's objects, one after the other, once for each epoch that the program opens."""

    def __init__(self, s3: Any, channel: Channel, role_arn: str, folder: Path) -> None:
        self._s3, self._channel, self._role_arn, self._folder = s3, channel, role_arn, folder
        self._items = items(s3, channel, role_arn)
        self._closed = threading.Event()
        self._held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # before the program, which could put a link there
        self._epoch = 0
        self.error: JobError | None = None
        os.mkfifo(self._fifo(0))

    def stream(self) -> None:
        """Serve epochs until `close`; what goes wrong is in `error` afterwards."""
        try:
            while not self._closed.is_set():
                self._serve(self._epoch)
                self._epoch += 1
        except JobError as error:
            self.error = error
        finally:
            os.close(self._held)

    def close(self) -> None:
        """Let `stream` return, also if it waits for a reader that never comes."""
        self._closed.set()
        try:
            os.close(os.open(self._fifo(self._epoch), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
        except FileNotFoundError:
            return

    def _serve(self, epoch: int) -> None:
        with self._opened(self._fifo(epoch).name) as pipe:
            if not self._fifo(epoch + 1).exists():
                os.mkfifo(self._fifo(epoch + 1))  # before this epoch ends: the program opens it at once
            try:
                for item in self._order():
                    if self._closed.is_set():
                        return
                    self._copy(item, pipe)
            except BrokenPipeError:
                return  # the program has read what it wanted

    def _opened(self, name: str) -> IO[bytes]:
        """Wait until the program opens its end. What it puts in the pipe's place is not written to."""
        try:
            pipe = os.open(name, os.O_WRONLY | os.O_NOFOLLOW, dir_fd=self._held)
        except OSError as error:
            raise JobError(f"AlgorithmError: The pipe {name} cannot be opened: {error.strerror}") from error
        if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
            os.close(pipe)
            raise JobError(f"AlgorithmError: {name} is no longer the pipe that the job was given: leave it in place.")
        return os.fdopen(pipe, "wb")

    def _copy(self, item: Item, pipe: IO[bytes]) -> None:
        with data_errors(f"s3://{item.bucket}/{item.key}", self._role_arn):
            body = self._s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]
            source = gzip.GzipFile(fileobj=body) if self._channel.gunzip else body
            shutil.copyfileobj(source, pipe, _CHUNK)

    def _order(self) -> list[Item]:
        """Return the objects in key order, or, with ShuffleConfig, in an order that each epoch has of its own."""
        if self._channel.shuffle_seed is None:
            return self._items
        shuffled = list(self._items)
        random.Random(self._channel.shuffle_seed + self._epoch).shuffle(shuffled)  # noqa: S311  (AWS's seed, no secret)
        return shuffled

    def _fifo(self, epoch: int) -> Path:
        return self._folder / f"{self._channel.name}_{epoch}"
