"""The published vectors of docs/dataset-manifest.md, read by our code and by the few lines that the page prints."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dropforge.domain.dataset import Manifest, ObjectVersion

PAGE = Path(__file__).parents[3] / "docs" / "dataset-manifest.md"
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "dataset_manifest.json").read_text(encoding="utf-8")
)


def printed() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own example is what is tested
    return names["dataset_version"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["about"])
def test_objects_in_any_order_have_the_published_encoding_and_name(vector: dict[str, Any]) -> None:
    objects = [ObjectVersion(**each) for each in vector["objects"]]
    for each in (objects, list(reversed(objects))):
        manifest = Manifest.of(vector["bucket"], each)
        assert manifest.to_bytes() == vector["encoding"].encode()
        assert manifest.version == vector["version"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["about"])
def test_the_few_lines_on_the_page_find_the_same_name(vector: dict[str, Any]) -> None:
    assert printed()(vector["bucket"], vector["objects"]) == vector["version"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["about"])
def test_the_name_is_the_hash_of_the_bytes_and_the_bytes_read_back(vector: dict[str, Any]) -> None:
    data = vector["encoding"].encode()
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == vector["version"]
    assert Manifest.from_bytes(data).version == vector["version"]
