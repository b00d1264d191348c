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
