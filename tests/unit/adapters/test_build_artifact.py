from __future__ import annotations

import io
import json
import zipfile

import pytest

from dropforge.adapters.build_artifact import BuildArtifactError, image_document_in


def archive(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(name, content)
    return stream.getvalue()


def test_the_builds_own_words_are_read_from_its_archive() -> None:
    document = {"spec": {}, "claimed_author": "Ada", "message": "Deeper trees"}
    assert image_document_in(archive("image.json", json.dumps(document).encode())) == document


@pytest.mark.parametrize(
    "content",
    [
        b"no zip",
        archive("other.json", b"{}"),
        archive("image.json", b"{"),
        archive("image.json", b"\xff\xfe"),
        archive("image.json", b"[]"),
    ],
    ids=["no archive", "another file", "cut off", "no text", "no object"],
)
def test_an_archive_without_a_readable_document_is_an_error_in_words(content: bytes) -> None:
    with pytest.raises(BuildArtifactError, match=r"image\.json"):
        image_document_in(content)


def test_a_document_that_unpacks_to_more_than_its_limit_is_refused() -> None:
    bomb = archive("image.json", b'{"a": "' + b" " * (50 << 20) + b'"}')
    assert len(bomb) < 1 << 20
    with pytest.raises(BuildArtifactError, match="256 KiB"):
        image_document_in(bomb)
