"""The job's `/opt/ml`: its configuration files and the variables that its program sees.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.sagemaker.channels import Channel
from localaws.sagemaker.leavings import Leavings
from localaws.sagemaker.record import FAILURE_LIMIT

HOST = "algo-1"
_GROUP = "homogeneousCluster"
_LONGEST_CHARACTER = 4  # bytes, in UTF-8


@dataclass(frozen=True)
class JobFolder:
    """The folder of this machine that a job sees as /opt/ml."""

    root: Path

    @property
    def data(self) -> Path:
        """Channels."""
        return self.root / "input" / "data"

    @property
    def config(self) -> Path:
        """hyperparameters.json, inputdataconfig.json, resourceconfig.json."""
        return self.root / "input" / "config"

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return self.root / "model"

    @property
    def output(self) -> Path:
        """What becomes output.tar.gz."""
        return self.root / "output" / "data"

    @property
    def checkpoints(self) -> Path:
        """What is kept in step with CheckpointConfig's prefix."""
        return self.root / "checkpoints"

    def left(self, folder: Path) -> Leavings:
        """What the program left in one of these folders."""
        return Leavings(self.root, folder.relative_to(self.root).as_posix())

    def failure(self) -> str:
        """Return what the program wrote to /opt/ml/output/failure, if anything, as far as it is told."""
        written = self.left(self.output.parent).read("failure", FAILURE_LIMIT * _LONGEST_CHARACTER)
        return written.decode(encoding="utf-8", errors="replace").strip()

    def prepare(self, request: Mapping[str, Any], channels: Sequence[Channel]) -> None:
        """Make the folders and write the configuration files."""
        for folder in (self.data, self.config, self.model, self.output, self.checkpoints):
            folder.mkdir(parents=True)
        instance = request["ResourceConfig"]["InstanceType"]
        group = {"instance_group_name": _GROUP, "instance_type": instance, "hosts": [HOST]}
        self._write("hyperparameters", request.get("HyperParameters", {}))
        self._write("inputdataconfig", {channel.name: _channel_config(channel) for channel in channels})
        self._write(
            "resourceconfig",
            {
                "current_host": HOST,
                "current_instance_type": instance,
                "current_group_name": _GROUP,
                "hosts": [HOST],
                "instance_groups": [group],
                "network_interface_name": "eth0",
            },
        )

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        (self.config / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def locations(self, request: Mapping[str, Any], channels: Sequence[Channel]) -> dict[str, str]:
        """Return the variables that lead a program here on a rung that has no /opt/ml of the job's own."""
        return {
            "SAGEMAKER_BASE_DIR": str(self.root),
            "SM_MODEL_DIR": str(self.model),
            "SM_OUTPUT_DIR": str(self.output.parent),
            "SM_OUTPUT_DATA_DIR": str(self.output),
            "SM_INPUT_DIR": str(self.data.parent),
            "SM_INPUT_CONFIG_DIR": str(self.config),
            "SM_HPS": json.dumps(request.get("HyperParameters", {})),
            "SM_CHANNELS": json.dumps([channel.name for channel in channels]),
            **{f"SM_CHANNEL_{channel.name.upper()}": str(self.data / channel.name) for channel in channels},
        }


def _channel_config(channel: Channel) -> dict[str, str]:
    config = {
        "TrainingInputMode": channel.mode,
        "S3DistributionType": channel.distribution,
        "RecordWrapperType": "None",
    }
    return config | ({"ContentType": channel.content_type} if channel.content_type else {})
