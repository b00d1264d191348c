"""The kinds of text that the documents hold, each with its rule in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from dropforge.documents.checking import MistakeError


@dataclass(frozen=True)
class Matching:
    """Text that matches a pattern as a whole: refused here in words, and by an editor through the JSON Schema."""

    pattern: str
    kind: str
    remedy: str
    longest: int = 256

    def check(self, text: str) -> str:
        """The text as it is. Raises MistakeError."""
        if len(text) > self.longest:
            raise MistakeError(
                f"{self.kind} has at most {self.longest} characters and this has {len(text)}", "shorten it"
            )
        if re.fullmatch(self.pattern, text) is None:
            raise MistakeError(f'"{text}" is not {self.kind}', self.remedy)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}


REGIONS = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
    "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
    "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1",
    "us-gov-west-1", "us-west-1", "us-west-2",
)  # fmt: skip
"""Those with SageMaker, as the AWS SDK has them; a test compares, so that a new one is missed for no longer."""
InstanceType = Annotated[
    str,
    Matching(r"ml\.[a-z0-9-]+\.[a-z0-9]+", "an instance type of SageMaker training", "write, for example, ml.m5.large"),
]
MailAddress = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
        "a mail address",
        "write, for example, ada@example.com",
        254,
    ),
]
