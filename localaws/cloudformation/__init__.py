"""CloudFormation's resource types that the emulator lacks."""

from __future__ import annotations

from collections.abc import Mapping

from localaws.cloudformation.codebuild import ProjectHandler
from localaws.cloudformation.connection import ConnectionHandler
from localaws.cloudformation.handler import Handler
from localaws.cloudformation.pipeline import PipelineHandler

HANDLERS: Mapping[str, Handler] = {
    "AWS::CodeBuild::Project": ProjectHandler(),
    "AWS::CodeConnections::Connection": ConnectionHandler("codeconnections"),
    "AWS::CodePipeline::Pipeline": PipelineHandler(),
    "AWS::CodeStarConnections::Connection": ConnectionHandler("codestar-connections"),
}
