"""The CDK app: reads the stage's configuration and composes its stacks. It makes no AWS call and needs no credentials.

cdk deploy --all -c stage=local|dev|prod      the stage of config/<stage>.yaml
cdk deploy --all -c config=PATH               the stage of a configuration kept elsewhere
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    """Synthesize the stage that the context names; a mistake in its configuration is said in a sentence."""
    put_node_on_path()
    # aws_cdk starts Node.js as soon as it is imported.
    from aws_cdk import App  # noqa: PLC0415

    from dropforge.documents.problems import DocumentError  # noqa: PLC0415
    from dropforge.documents.stage_config import read_stage_config  # noqa: PLC0415
    from dropforge.documents.stage_warnings import stage_warnings  # noqa: PLC0415
    from stacks.composition import compose  # noqa: PLC0415
    from stacks.policy_limits import PolicyLimitError  # noqa: PLC0415

    app = App()
    stage, elsewhere = app.node.try_get_context("stage"), app.node.try_get_context("config")
    file = Path(elsewhere) if elsewhere else ROOT / "config" / f"{stage}.yaml"
    if not elsewhere and not file.is_file():
        stages = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml")))
        sys.exit(
            f"There is no stage {stage}, for there is no config/{stage}.yaml: name one of {stages} with -c stage=…."
        )
    try:
        config = read_stage_config(file)
        sys.stderr.writelines(f"warning: {warning}\n" for warning in stage_warnings(file))
    except DocumentError as error:
        sys.exit(str(error))
    if not elsewhere and config.stage != stage:
        sys.exit(f"config/{stage}.yaml:1: it says `stage: {config.stage}`; name the file and the stage alike.")
    try:
        compose(app, config)
    except PolicyLimitError as error:
        sys.exit(str(error))
    app.synth()


def put_node_on_path() -> None:
    """Put the Node.js that set-up chose first on PATH; without any, jsii would die of an AttributeError."""
    chosen = ROOT / ".tools" / "node-path"
    if chosen.is_file():
        os.environ["PATH"] = os.pathsep.join([chosen.read_text("utf-8").strip(), os.environ.get("PATH", os.defpath)])
    if shutil.which("node") is None:
        sys.exit("Node.js is missing and the CDK needs it: run `make setup`, which brings one, or install 22 or newer.")


if __name__ == "__main__":
    main()
