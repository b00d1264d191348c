from __future__ import annotations

import pytest

from dropforge.domain.training_spec import InputMode, InvalidSpecError, TrainingSpec

WHOLE: dict[str, object] = {
    "compute": {"instance_type": "ml.m5.xlarge", "instance_count": 2, "volume_gb": 50},
    "hyperparameters": {"epochs": "40"},
    "channels": {"training": "FastFile"},
    "metrics": [{"name": "accuracy", "regex": "accuracy=([0-9.]+)"}],
    "stopping": {"max_runtime_minutes": 30, "max_wait_minutes": 60},
    "environment": {"OMP_NUM_THREADS": "1"},
    "network_isolation": False,
    "use_spot": True,
    "checkpoints": True,
    "sagemaker": {"RetryStrategy": {"MaximumRetryAttempts": 2}, "ResourceConfig": {"KeepAlivePeriodInSeconds": 60}},
}


def test_a_whole_spec_reads_back_as_it_was_written() -> None:
    assert TrainingSpec.from_document(WHOLE).to_document() == WHOLE


def test_an_empty_spec_is_safe() -> None:
    spec = TrainingSpec.from_document({})
    assert spec.network_isolation
    assert spec.compute.instance_count == 1
    assert spec.stopping.max_runtime_minutes == 60


def test_input_modes_are_those_of_sagemaker() -> None:
    spec = TrainingSpec.from_document(WHOLE)
    assert spec.channels == {"training": InputMode.FAST_FILE}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"compute": {"instance_typ": "ml.m5.large"}}, "compute.instance_typ is unknown"),
        ({"compute": {"instance_type": "m5.large"}}, "write a SageMaker type such as ml.m5.large"),
        ({"compute": {"instance_count": 0}}, "compute.instance_count must be 1 or more"),
        ({"compute": {"volume_gb": 0}}, "compute.volume_gb"),
        ({"hyperparameters": {"epochs": 40}}, "hyperparameters.epochs is 40: write text"),
        ({"hyperparameters": {"a": "x" * 2501}}, "longer than 2500 characters"),
        ({"hyperparameters": {f"p{n}": "" for n in range(101)}}, "at most 100"),
        ({"environment": {"2X": "1"}}, "no name for a variable"),
        ({"channels": {"my data": "File"}}, "no name for a channel"),
        ({"channels": {"training": "Fast"}}, "write one of File, FastFile, Pipe"),
        ({"metrics": [{"name": "a", "regex": "a=("}]}, "is broken"),
        ({"metrics": [{"name": "a", "regex": "a=."}]}, "needs a group"),
        ({"stopping": {"max_runtime_minutes": 40_321}}, "28 days"),
        ({"stopping": {"max_runtime_minutes": 9, "max_wait_minutes": 8}, "use_spot": True}, "it counts both"),
        ({"stopping": {"max_wait_minutes": 90}}, "set use_spot: true"),
        ({"sagemaker": {"RoleArn": "arn"}}, "sagemaker.RoleArn may not be set here"),
        ({"sagemaker": {"ResourceConfig": {"InstanceType": "ml.p5.48xlarge"}}}, "ResourceConfig.InstanceType may not"),
        ({"sagemaker": {"AlgorithmSpecification": {"TrainingImage": "x"}}}, "TrainingImage may not be set"),
        (
            {"sagemaker": {"ResourceConfig": {"KeepAlivePeriodInSeconds": "1"}}},
            "KeepAlivePeriodInSeconds must be from 0",
        ),
        ({"sagemaker": {"ResourceConfig": {"KeepAlivePeriodInSeconds": 21601}}}, "must be from 0 to 21600"),
        ({"sagemaker": {"ResourceConfig": "x"}}, "sagemaker.ResourceConfig may not be set here"),
        ({"sagemaker": {"InfraCheckConfig": {"x": 0.5}}}, "a float cannot be written"),
        ({"hyperparameters": {f"p{n}": "x" * 2500 for n in range(30)}}, "put long values in a file"),
        ([], "write an object"),
    ],
)
def test_a_mistake_is_named_with_its_field_and_what_to_do(document: object, sentence: str) -> None:
    with pytest.raises(InvalidSpecError) as mistake:
        TrainingSpec.from_document(document)
    assert sentence in str(mistake.value)


def test_a_parameter_by_hand_overrides_one_and_keeps_the_others() -> None:
    spec = TrainingSpec(hyperparameters={"epochs": "40", "depth": "3"})
    assert spec.with_hyperparameters({"epochs": "80"}).hyperparameters == {"epochs": "80", "depth": "3"}
