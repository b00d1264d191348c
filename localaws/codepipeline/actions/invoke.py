"""Invoke / AWS / Lambda: hands a job to a function and waits for its answer.

Follows "AWS Lambda invoke action reference" (action-reference-Lambda.html) and "Invoke an AWS Lambda function in a
pipeline" (actions-invoke-lambda-function.html) of the user guide for the event; quotas (limits.html) for the time-out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from localaws.codepipeline import artifacts
from localaws.codepipeline.records import Job, new_id
from localaws.codepipeline.work import ActionFailedError, Work, refused_in_words

TIMEOUT_SECONDS = 20 * 60.0
CONTINUATION_SECONDS = 5.0
_CREDENTIALS_SECONDS = 3600.0


def run(work: Work) -> None:
    """Invoke the function until it answers without a continuation token; take its output variables."""
    if work.record.job_id is None:
        _reserve_outputs(work)
        _invoke(work, _new_job(work, time.time() + TIMEOUT_SECONDS, token=None))
    elif work.board.jobs[work.record.job_id].status == "InProgress":
        _invoke(work, work.board.jobs[work.record.job_id])  # the function that had it ended with the server
    while True:
        job = work.board.jobs[work.record.job_id or ""]
        _await_answer(work, job)
        work.update(external_summary=job.summary, external_id=job.external_id, variables=dict(job.output_variables))
        if job.status == "Succeeded":
            return
        work.pause(CONTINUATION_SECONDS)
        _invoke(work, _new_job(work, job.deadline, job.continuation_token))


def _new_job(work: Work, deadline: float, token: str | None) -> Job:
    job = Job(new_id(), work.pipeline.name, work.execution.id, work.record.id, deadline, continuation_token=token)
    with work.board.changed:
        work.board.jobs[job.id] = job
        work.record.job_id = job.id
    return job


def _await_answer(work: Work, job: Job) -> None:
    """Wait until the function has answered the job with a success; raise ActionFailedError for anything else."""
    if not work.wait(lambda: job.status != "InProgress", deadline=job.deadline):
        with work.board.changed:
            job.status = "Failed"  # an answer that comes later is refused
        raise ActionFailedError(
            "JobFailed",
            f"The AWS Lambda function {work.configuration['FunctionName']} failed to return a result within "
            f"{TIMEOUT_SECONDS / 60:.0f} minutes: it must call PutJobSuccessResult or PutJobFailureResult.",
        )
    if job.status == "Failed":
        work.update(external_id=job.failure.get("externalExecutionId", ""))
        raise ActionFailedError(job.failure["type"], job.failure["message"])


def _reserve_outputs(work: Work) -> None:
    work.update(outputs={name: artifacts.place(work, name) for name in artifacts.output_names(work)})


def _invoke(work: Work, job: Job) -> None:
    function = work.configuration["FunctionName"]
    with refused_in_words(f"The function {function} could not be invoked as {work.record.role_arn}"):
        work.client("lambda").invoke(
            FunctionName=function, InvocationType="Event", Payload=json.dumps(_event(work, job)).encode()
        )


def _event(work: Work, job: Job) -> dict[str, Any]:
    configuration = {"FunctionName": work.configuration["FunctionName"]}
    if "UserParameters" in work.configuration:
        configuration["UserParameters"] = work.configuration["UserParameters"]
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [_artifact(work, name, at) for name, at in work.record.inputs.items()],
        "outputArtifacts": [_artifact(work, name, at) for name, at in work.record.outputs.items()],
        "artifactCredentials": _credentials(work),
    }
    if job.continuation_token is not None:
        data["continuationToken"] = job.continuation_token
    if "encryptionKey" in work.store:
        data["encryptionKey"] = {"id": work.store["encryptionKey"]["id"], "type": "KMS"}
    return {"CodePipeline.job": {"id": job.id, "accountId": work.runtime.account, "data": data}}


def _artifact(work: Work, name: str, location: Mapping[str, str]) -> dict[str, Any]:
    revision = work.execution.artifact_revisions.get(name, {}).get("revisionId")
    place = {"bucketName": location["bucket"], "objectKey": location["key"]}
    return {"name": name, "revision": revision, "location": {"type": "S3", "s3Location": place}}


def _credentials(work: Work) -> dict[str, Any]:
    """Temporary credentials of the role, good for this action's artifacts and for nothing else."""
    with refused_in_words("No temporary credentials could be made for the function"):
        made = work.assumed_role().assume(
            DurationSeconds=int(_CREDENTIALS_SECONDS), Policy=json.dumps(_artifacts_only(work))
        )
    return {
        "accessKeyId": made["AccessKeyId"],
        "secretAccessKey": made["SecretAccessKey"],
        "sessionToken": made["SessionToken"],
        "expirationTime": int(made["Expiration"].timestamp() * 1000),
    }


def _artifacts_only(work: Work) -> dict[str, Any]:
    """A session policy: read the inputs, write the outputs, use the store's key."""
    read, write = (
        [f"arn:aws:s3:::{at['bucket']}/{at['key']}" for at in places.values()]
        for places in (work.record.inputs, work.record.outputs)
    )
    allowed = (
        (["s3:GetObject", "s3:GetObjectVersion"], read),
        (["s3:PutObject"], write),
        (["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"], ["*"]),  # of what the role's own policies allow
    )
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in allowed if resources
    ]
    return {"Version": "2012-10-17", "Statement": statements}
