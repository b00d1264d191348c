from __future__ import annotations

from pathlib import Path

import pytest

from dropforge.documents.problems import DocumentError
from dropforge.documents.source import parse
from dropforge.documents.training_spec import (
    VERBATIM,
    AlgorithmSpecification,
    FurtherMembers,
    ResourceConfig,
    TrainingSpecDocument,
    read_training_spec,
    training_spec,
)
from dropforge.domain.training_spec import ALLOWED_MEMBERS, InputMode, TrainingSpec

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def spec(text: str) -> TrainingSpec:
    return training_spec(parse(text.encode(), "dropforge.yaml", VERBATIM))


def mistakes(text: str) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        spec(text)
    return str(refused.value).splitlines()


def test_what_a_document_leaves_out_is_as_the_domain_has_it() -> None:
    assert spec("{}") == TrainingSpec()


def test_hyperparameters_and_environment_are_text_exactly_as_written() -> None:
    found = spec("hyperparameters: {rate: 0.10, deep: true, word: on}\nenvironment: {THREADS: 04}")
    assert found.hyperparameters == {"rate": "0.10", "deep": "true", "word": "on"}
    assert found.environment == {"THREADS": "04"}


def test_a_whole_document_becomes_the_domain_s_spec() -> None:
    found = spec(
        """
compute: {instance_type: ml.p6-b200.48xlarge, instance_count: 2, volume_gb: 100}
channels: {training: FastFile, validation: Pipe}
metrics: [{name: loss, regex: 'loss=([0-9.]+)'}]
stopping: {max_runtime_minutes: 30, max_wait_minutes: 60}
network_isolation: false
use_spot: true
checkpoints: true
sagemaker:
  ResourceConfig: {KeepAlivePeriodInSeconds: 600}
  RetryStrategy: {MaximumRetryAttempts: 2}
  AlgorithmSpecification: {ContainerArguments: [--fast]}
"""
    )
    assert found.compute.instance_type == "ml.p6-b200.48xlarge"
    assert found.channels == {"training": InputMode.FAST_FILE, "validation": InputMode.PIPE}
    assert found.stopping.max_wait_minutes == 60
    assert found.sagemaker == {
        "ResourceConfig": {"KeepAlivePeriodInSeconds": 600},
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "AlgorithmSpecification": {"ContainerArguments": ["--fast"]},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "compute:\n  instance_typ: ml.m5.large",
            "dropforge.yaml:2: `instance_typ` is not a field of `compute`; did you mean `instance_type`?",
        ),
        (
            "compute: {instance_type: m5.large}",
            'dropforge.yaml:1: "m5.large" is not an instance type of SageMaker training; write, for ex',
        ),
        (
            "channels:\n  training: file",
            "dropforge.yaml:2: `channels.training` must be 'File', 'FastFile' or 'Pipe', not \"file\"; did you mean Fi",
        ),
        (
            "metrics:\n- name: a\n  regex: a=",
            "dropforge.yaml:3: `a=` has no group; put the value in one, as in accuracy=([0-9.]+)",
        ),
        (
            "metrics:\n- name: a\n  regex: (a)(b)",
            "dropforge.yaml:3: `(a)(b)` has 2 groups; keep one around the value, write the others as (?:…)",
        ),
        ("metrics:\n- name: a\n  regex: a=(", "dropforge.yaml:3: `a=(` is not a regular expression: "),
        (
            "metrics: [{name: a, regex: (a)}, {name: a, regex: (b)}]",
            "dropforge.yaml:1: the metric a is here a second time;",
        ),
        ("hyperparameters:\n  layers: [64, 32]", "dropforge.yaml:2: `hyperparameters.layers` must be text, not "),
        (
            "compute: {}\nchannels: {" + ", ".join(f"c{n}: File" for n in range(21)) + "}",
            "dropforge.yaml:2: `channels` has more than 20 entries; it takes no more: take some out, or join some",
        ),
        (
            "hyperparameters: {a: " + "x" * 2501 + "}",
            "dropforge.yaml:1: `hyperparameters.a` is too long (at most 2500)",
        ),
        (
            "hyperparameters: {" + ", ".join(f"a{n}: 1" for n in range(101)) + "}",
            "dropforge.yaml:1: `hyperparameters` has more than 100 entries; ",
        ),
        ("environment: {1A: x}", 'dropforge.yaml:1: "1A" is not the name of a variable;'),
        ("network_isolation: off", 'dropforge.yaml:1: `network_isolation` must be true or false, not "off";'),
        ("use_spot: true\nstopping:\n  max_wait_minutes: 5", "dropforge.yaml:3: max_wait_minutes 5 is less than"),
        ("stopping: {max_wait_minutes: 500}", "dropforge.yaml:1: max_wait_minutes is for spot instances;"),
        ("compute: ml.m5.large", "dropforge.yaml:1: `compute` must be a mapping (`name: value` lines), not"),
        ("[]", "dropforge.yaml:1: must be a mapping of names to values;"),
    ],
)
def test_a_mistake_is_one_line_with_its_place_and_what_to_do(text: str, said: str) -> None:
    (line,) = mistakes(text)
    assert line.startswith(said)


@pytest.mark.parametrize(
    "member",
    [
        "RoleArn: x",
        "VpcConfig: {}",
        "OutputDataConfig: {S3OutputPath: s3://x}",
        "InputDataConfig: []",
        "ResourceConfig: {VolumeKmsKeyId: x}",
        "AlgorithmSpecification: {TrainingImage: x}",
        "EnableNetworkIsolation: false",
    ],
)
def test_role_key_network_inputs_and_outputs_are_never_a_spec_s_to_set(member: str) -> None:
    (line,) = mistakes(f"sagemaker: {{{member}}}")
    assert "(role, keys, network, inputs and outputs are the stack's to set)" in line


def test_every_mistake_is_told_at_once_in_the_order_of_the_lines() -> None:
    lines = mistakes("chanels: {}\nuse_spot: 1\ncompute: {volume_gb: 0}")
    assert [line.split(": ")[0] for line in lines] == ["dropforge.yaml:1", "dropforge.yaml:2", "dropforge.yaml:3"]


def test_the_document_and_the_domain_allow_the_same_further_members() -> None:
    whole = {field.alias for field in FurtherMembers.model_fields.values()} - {
        "AlgorithmSpecification",
        "ResourceConfig",
    }
    in_part = {f"AlgorithmSpecification.{field.alias}" for field in AlgorithmSpecification.model_fields.values()}
    in_part |= {f"ResourceConfig.{field.alias}" for field in ResourceConfig.model_fields.values()}
    named = whole | in_part
    assert named == ALLOWED_MEMBERS


def test_document_and_domain_have_the_same_fields() -> None:
    assert set(TrainingSpecDocument.model_fields) == set(TrainingSpec.__dataclass_fields__)


@pytest.mark.parametrize("example", ["digits", "cancer"])
def test_the_examples_are_right(example: str) -> None:
    found = read_training_spec(EXAMPLES / example / "dropforge.yaml")
    assert found.channels == {"training": InputMode.FILE}
    assert "accuracy" in {metric.name for metric in found.metrics}
