from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.codepipeline.variables import UnresolvedVariableError, pipeline_values, resolve

NAMESPACES = {
    "Source": {"CommitId": "abc"},
    "variables": {"Data": "v1"},
    "codepipeline": {"PipelineExecutionId": "e-1"},
}


def test_references_are_filled_in_from_every_namespace() -> None:
    configuration = {"UserParameters": "#{Source.CommitId}/#{variables.Data}/#{codepipeline.PipelineExecutionId}"}

    assert resolve(configuration, NAMESPACES) == {"UserParameters": "abc/v1/e-1"}


def test_what_only_looks_like_a_reference_stays() -> None:
    assert resolve({"UserParameters": "#Source.CommitId} ${x} #{}"}, NAMESPACES) == {
        "UserParameters": "#Source.CommitId} ${x} #{}"
    }


@pytest.mark.parametrize("reference", ["#{Source.Nothing}", "#{Nowhere.CommitId}"])
def test_a_reference_to_nothing_is_named(reference: str) -> None:
    with pytest.raises(UnresolvedVariableError) as error:
        resolve({"UserParameters": reference}, NAMESPACES)
    assert reference in str(error.value)


def test_a_value_that_looks_like_a_reference_is_not_resolved_again() -> None:
    namespaces = {"Source": {"CommitMessage": "#{variables.Secret}"}, "variables": {"Secret": "s"}}

    assert resolve({"A": "#{Source.CommitMessage}"}, namespaces) == {"A": "#{variables.Secret}"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_value_leaves_a_builds_environment_valid_json(message: str) -> None:
    configuration = {"EnvironmentVariables": '[{"name":"MESSAGE","value":"#{Source.CommitMessage}"}]'}

    resolved = resolve(configuration, {"Source": {"CommitMessage": message}})

    assert json.loads(resolved["EnvironmentVariables"]) == [{"name": "MESSAGE", "value": message}]


def test_pipeline_variables_take_what_is_given_and_else_their_default() -> None:
    declared = [{"name": "Data", "defaultValue": "none"}, {"name": "Why", "defaultValue": "push"}]

    assert pipeline_values(declared, [{"name": "Data", "value": "v1"}]) == {"Data": "v1", "Why": "push"}


def test_a_variable_without_a_default_has_to_be_given() -> None:
    with pytest.raises(ValueError, match="'Data' has no default value"):
        pipeline_values([{"name": "Data"}], [])
