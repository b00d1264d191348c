from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dropforge.settings import FUNCTIONS, SINK_FUNCTIONS
from stacks.bundle import function_bundle, services, validator_bundle

PROJECTS = [{"name": "digits"}]
LARGEST_MB = 15


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return function_bundle(PROJECTS, tmp_path_factory.mktemp("bundle"))


def test_each_function_imports_from_the_bundle_alone(bundle: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(bundle)!r}); sys.dont_write_bytecode = True\n"
        "import importlib\n"
        f"for name in {[*FUNCTIONS, *SINK_FUNCTIONS]!r}:\n"
        "    assert callable(importlib.import_module('lambdas.' + name).handler), name\n"
        "files = [getattr(module, '__file__', None) or '' for module in sys.modules.values()]\n"
        "strangers = [file for file in files if 'site-packages' in file]\n"
        "assert not strangers, strangers\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, env={}, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_every_client_that_the_adapters_make_finds_its_service_in_the_bundle(bundle: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(bundle)!r}); sys.dont_write_bytecode = True\n"
        "import boto3\n"
        "session = boto3.Session(region_name='eu-central-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "print(' '.join(sorted(session.get_available_services())))\n"
        f"[session.client(name) for name in {sorted(services())!r}]\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, env={}, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == services()


def test_the_bundle_carries_the_stages_projects_and_no_document_reader(bundle: Path) -> None:
    assert json.loads((bundle / "projects.json").read_text("utf-8")) == PROJECTS
    assert not (bundle / "dropforge" / "documents").exists()
    assert not (bundle / "dropforge" / "cli").exists()
    assert not (bundle / "pydantic").exists()


def test_nothing_compiled_is_in_the_bundle_and_it_is_small(bundle: Path) -> None:
    files = [file for file in bundle.rglob("*") if file.is_file()]
    assert not [file for file in files if file.suffix in {".so", ".pyc", ".pyd", ".dylib"}]
    assert sum(file.stat().st_size for file in files) < LARGEST_MB * 1024 * 1024


def test_the_same_tree_makes_the_same_bundle_wherever_it_is_put_together(bundle: Path, tmp_path: Path) -> None:
    again = function_bundle(PROJECTS, tmp_path)
    assert again.name == bundle.name
    assert _contents(again) == _contents(bundle)
    assert function_bundle([{"name": "other"}], tmp_path).name != bundle.name


def test_the_validator_checks_a_spec_with_its_own_dependencies_alone(tmp_path: Path) -> None:
    folder = validator_bundle(tmp_path)
    assert {one.name for one in folder.iterdir()} == {"dropforge", "requirements"}
    assert "--hash=sha256:" in (folder / "requirements" / "validator.txt").read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-m", "dropforge.documents", "--help"],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder)}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
