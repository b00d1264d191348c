from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from localaws.githost import RepositoryError, clone_url, create, find
from localaws.home import Home
from tests.localaws.pipeline_world import WorkingCopy, working_copy


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "a home with spaces")
    home.prepare()
    return home


@pytest.fixture
def copy(home: Home, tmp_path: Path) -> WorkingCopy:
    return working_copy(home, tmp_path / "copy", "acme/churn")


@pytest.mark.parametrize(
    "name",
    ["churn", "acme/churn/x", "../x/y", "acme/../../x", "-x/y", "acme/--upload-pack=x", "acme/x.git", "a b/c"],
)
def test_a_name_that_is_no_owner_and_repository_is_refused(home: Home, name: str) -> None:
    with pytest.raises(RepositoryError, match="owner/name"):
        create(home, name)


def test_creating_a_repository_twice_keeps_what_was_pushed(home: Home, copy: WorkingCopy) -> None:
    commit = copy.commit("Add", {"train.py": ""})
    copy.push("main")

    assert create(home, "acme/churn") == copy.remote
    assert find(home, "acme/churn").branch_head("main") == commit


def test_a_push_succeeds_while_nothing_listens_and_says_what_to_do(home: Home, copy: WorkingCopy) -> None:
    commit = copy.commit("Add", {"train.py": ""})

    said = copy.push("main")

    assert find(home, "acme/churn").branch_head("main") == commit
    told = [line for line in said.splitlines() if "Pushed, but no pipeline was started" in line]
    assert len(told) == 1
    assert "python -m localaws up" in told[0]


def test_the_url_clones_the_repository(home: Home, copy: WorkingCopy, tmp_path: Path) -> None:
    copy.commit("Add", {"train.py": "print(1)"})
    copy.push("main")

    copy.git("clone", "--quiet", clone_url(home, "acme/churn"), str(tmp_path / "clone"))

    assert (tmp_path / "clone" / "train.py").read_text(encoding="utf-8") == "print(1)"


def test_a_commit_tells_its_author_date_and_whole_message(home: Home, copy: WorkingCopy) -> None:
    identifier = copy.commit('Add a model\n\nWith "quotes" and ünicode.', {"train.py": ""})
    copy.push("main")

    commit = find(home, "acme/churn").commit(identifier)

    assert (commit.author_name, commit.author_email) == ("Ada Example", "ada@example.org")
    assert commit.message == 'Add a model\n\nWith "quotes" and ünicode.'
    assert commit.author_date.endswith("Z")


def test_what_is_no_commit_is_refused(home: Home, copy: WorkingCopy) -> None:
    copy.commit("Add", {"train.py": ""})
    copy.push("main")
    repository = find(home, "acme/churn")

    with pytest.raises(RepositoryError, match="no full commit id"):
        repository.commit("--output=/tmp/x")
    with pytest.raises(RepositoryError, match="push it first"):
        repository.commit("0" * 39 + "1")
    with pytest.raises(RepositoryError, match="no branch named dev"):
        repository.branch_head("dev")


def test_an_archive_holds_the_files_of_that_commit(home: Home, copy: WorkingCopy) -> None:
    first = copy.commit("Add", {"train.py": "1", "model/ü.py": "2"})
    copy.commit("Change", {"train.py": "3"})
    copy.push("main")

    archive = zipfile.ZipFile(io.BytesIO(find(home, "acme/churn").archive(first)))

    assert archive.read("train.py") == b"1"
    assert {"train.py", "model/ü.py"} <= set(archive.namelist())


def test_changed_paths_are_those_between_two_commits_even_after_a_rewrite(home: Home, copy: WorkingCopy) -> None:
    base = copy.commit("Add", {"a.py": "1", "b.py": "1"})
    first = copy.commit("Change", {"a.py": "2", "ü/c.py": "1"})
    copy.push("main")
    copy.git("reset", "--quiet", "--hard", base)
    rewritten = copy.commit("Change otherwise", {"b.py": "2"})
    copy.push("--force", "main")
    repository = find(home, "acme/churn")

    assert set(repository.changed_paths(base, first)) == {"a.py", "ü/c.py"}
    assert set(repository.changed_paths(first, rewritten)) == {"a.py", "b.py", "ü/c.py"}


def test_a_new_branch_changes_what_it_adds_to_the_main_line_and_a_first_one_everything(
    home: Home, copy: WorkingCopy
) -> None:
    first = copy.commit("Add", {"a.py": "1", "b.py": "1"})
    copy.push("main")
    repository = find(home, "acme/churn")
    assert set(repository.changed_paths(None, first)) == {"a.py", "b.py"}

    copy.git("checkout", "--quiet", "-b", "feature")
    second = copy.commit("Change", {"b.py": "2"})
    copy.push("feature")

    assert repository.changed_paths(None, second) == ("b.py",)
