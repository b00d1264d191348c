from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.canonical import LARGEST_INTEGER, canonical, digest
from dropforge.domain.errors import InvalidDocumentError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)

VECTORS = {
    "members are sorted, white space is dropped": ({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}'),
    "names sort by UTF-16 code units, as RFC 8785 has it": (
        {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
        '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'.encode(),
    ),
    "escapes are the shortest": ('\b\t\n\f\r"\\/\x00\x1f\x7f', b'"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\x7f"'),
    "composed and decomposed text stay apart": (["\u00e9", "e\u0301"], b'["\xc3\xa9","e\xcc\x81"]'),
}


@pytest.mark.parametrize("name", VECTORS)
def test_published_vectors(name: str) -> None:
    document, encoded = VECTORS[name]
    assert canonical(document) == encoded


@given(DOCUMENTS)
def test_the_encoding_says_all_of_the_document_and_nothing_else(document: object) -> None:
    assert json.loads(canonical(document)) == document


@given(st.dictionaries(TEXT, DOCUMENTS, min_size=2, max_size=5), st.randoms())
def test_the_order_in_which_members_were_written_does_not_matter(document: dict[str, object], random: object) -> None:
    names = list(document)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert digest({name: document[name] for name in names}) == digest(document)


@pytest.mark.parametrize("document", [0.5, float("nan"), 2**53, b"bytes", {1: "a"}, "\ud800", {"\ud800": 1}, object()])
def test_what_has_no_canonical_form_is_refused(document: object) -> None:
    with pytest.raises(InvalidDocumentError):
        canonical(document)


def test_a_digest_names_its_function() -> None:
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
