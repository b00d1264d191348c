from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.dsse import Envelope, EnvelopeError, Signature, pre_authentication_encoding


def test_the_encoding_is_that_of_the_specifications_example() -> None:
    """https://github.com/secure-systems-lab/dsse/blob/master/protocol.md"""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.text(), st.binary(), st.text(), st.binary())
def test_an_envelope_comes_back_as_it_was_and_is_one_line(kind: str, payload: bytes, key: str, value: bytes) -> None:
    envelope = Envelope(kind, payload, Signature(key, value))
    written = envelope.to_bytes()
    assert written.count(b"\n") == 1
    assert Envelope.from_bytes(written) == envelope


@given(st.text(), st.binary(), st.text(), st.binary())
def test_two_different_statements_are_never_encoded_alike(kind: str, one: bytes, other_kind: str, two: bytes) -> None:
    alike = pre_authentication_encoding(kind, one) == pre_authentication_encoding(other_kind, two)
    assert alike == ((kind, one) == (other_kind, two))


VALID = {"payloadType": "t", "payload": "YQ==", "signatures": [{"keyid": "k", "sig": "YQ=="}]}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"\xff",
        json.dumps(VALID | {"payload": "not base64"}).encode(),
        json.dumps(VALID | {"payload": 1}).encode(),
        json.dumps(VALID | {"signatures": []}).encode(),
        json.dumps(VALID | {"signatures": [{"keyid": "k", "sig": "YQ=="}] * 2}).encode(),
        json.dumps(VALID | {"signatures": [{"sig": "YQ=="}]}).encode(),
    ],
)
def test_anything_else_is_refused_in_words(document: bytes) -> None:
    with pytest.raises(EnvelopeError, match=r"name the \.intoto\.jsonl file"):
        Envelope.from_bytes(document)
