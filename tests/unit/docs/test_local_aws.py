"""The page of the local AWS has a row for each correction, and none for what is not there."""

from __future__ import annotations

import ast
import re

from tests.unit.docs.pages import ROOT, code, page, rows, section

CORRECTIONS = ROOT / "localaws" / "corrections"
NO_CORRECTIONS = {"__init__", "wrapping"}


def corrections() -> dict[str, str]:
    """Each correction with the text of its page's row."""
    return {code(row[0])[0]: row[2] for row in rows(section(page("local-aws.md"), "Corrections"))}


def test_each_correction_has_a_row_and_each_row_a_correction() -> None:
    assert set(corrections()) == {file.stem for file in CORRECTIONS.glob("*.py")} - NO_CORRECTIONS


def test_each_row_names_a_document_that_its_module_names_too() -> None:
    elsewhere = []
    for name, follows in corrections().items():
        docstring = ast.get_docstring(ast.parse((CORRECTIONS / f"{name}.py").read_text("utf-8"))) or ""
        named = re.findall(r"\((https://[^)]+)\)", follows)
        stated = set(re.findall(r"https://[^\s#:,;)]+", docstring))
        if not stated.issuperset(named) or (stated and not named):
            elsewhere.append(name)
    assert elsewhere == []


def test_the_ladder_has_the_rungs_that_the_launchers_have() -> None:
    launchers = (ROOT / "localaws" / "containers" / "launchers").glob("*.py")
    source = "\n".join(file.read_text("utf-8") for file in launchers)
    rungs = set(re.findall(r'^    name = "(\w+)"', source, re.MULTILINE)) | {"docker", "podman"}
    ladder = section(page("local-aws.md"), "How programs are isolated")
    assert {name for row in rows(ladder) for name in code(row[0])} == rungs


def test_each_folder_of_home_is_explained() -> None:
    home = ast.parse((ROOT / "localaws" / "home.py").read_text("utf-8"))
    folders = {
        node.right.value
        for node in ast.walk(home)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant)
    }
    explained = {
        name.rstrip("/") for row in rows(section(page("local-aws.md"), "Where things lie")) for name in code(row[0])
    }
    assert folders <= explained


def test_each_command_of_the_page_is_one_that_localaws_has() -> None:
    tree = ast.parse((ROOT / "localaws" / "command_line.py").read_text("utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = re.findall(r"python -m localaws ([a-z]+)(?: (accept|confirm|create))?", page("local-aws.md"))
    assert {word for words in named for word in words if word} <= texts
