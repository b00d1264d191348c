"""CodeBuild's API. Builds run the real buildspec, as subprocesses of this server.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import copy
import shutil
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from localaws.codebuild import projects
from localaws.codebuild.build import IN_PROGRESS, ArtifactPlace, Build, BuildRequest, Record, interrupted, now
from localaws.codebuild.events import publish_state
from localaws.codebuild.runner import BuildRunner, folder_of
from localaws.requester import requester
from localaws.runtime import Runtime
from localaws.service import Operation, Service, ServiceError

_OVERRIDES = {
    "buildspecOverride": ("source", "buildspec"),
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "serviceRoleOverride": ("serviceRole", ""),
    "timeoutInMinutesOverride": ("timeoutInMinutes", ""),
    "encryptionKeyOverride": ("encryptionKey", ""),
    "artifactsOverride": ("artifacts", ""),
    "logsConfigOverride": ("logsConfig", ""),
    "cacheOverride": ("cache", ""),
}
_ALSO_TAKEN = frozenset({"projectName", "sourceVersion", "environmentVariablesOverride", "idempotencyToken"})


class PipelineOutput(TypedDict):
    """What a pipeline tells a build about where it is and where its artifacts go."""

    artifacts: Mapping[str, Mapping[str, str]]
    """Each output artifact's bucket and key, by name."""
    encryption: Mapping[str, Any]
    """The arguments of PutObject that encrypt it."""
    pipeline: str


class CodeBuildService(Service):
    """The build projects of this account and region."""

    name = "codebuild"
    target_prefixes = ("CodeBuild_20161006",)
    iam_namespace = "codebuild"
    principal = "codebuild.amazonaws.com"
    validation_code = "InvalidInputException"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._lock = threading.RLock()
        self._projects: dict[str, Record] = {}
        self._builds: dict[str, Record] = {}
        self._numbers: dict[str, int] = {}
        self._running: dict[str, Build] = {}

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations that the local AWS has."""
        return {
            "CreateProject": self._create_project,
            "UpdateProject": self._update_project,
            "DeleteProject": self._delete_project,
            "BatchGetProjects": self._batch_get_projects,
            "ListProjects": self._list_projects,
            "StartBuild": self._start_build,
            "StopBuild": self._stop_build,
            "BatchGetBuilds": self._batch_get_builds,
            "ListBuilds": self._list_builds,
            "ListBuildsForProject": self._list_builds_for_project,
        }

    def resource_arn(self, operation: str, request: Mapping[str, Any]) -> str:
        """Return the project's ARN, which is also what AWS asks about for a build."""
        if operation in {"ListProjects", "ListBuilds"}:
            return "*"  # AWS defines no resource type for these
        name = request.get("projectName") or request.get("name")
        name = name or str(request.get("id") or [*request.get("ids", []), *request.get("names", [])][0])
        name = name.rpartition("build/")[2].rpartition("project/")[2].partition(":")[0]
        return f"arn:aws:codebuild:{self.runtime.region}:{self.runtime.account}:project/{name}"

    def passed_roles(self, operation: str, request: Mapping[str, Any]) -> Sequence[str]:
        """Return the role that builds will have."""
        role = request.get("serviceRoleOverride" if operation == "StartBuild" else "serviceRole")
        return (role,) if role and operation in {"CreateProject", "UpdateProject", "StartBuild"} else ()

    def snapshot(self) -> dict[str, Any]:
        """Return projects, builds and build numbers."""
        with self._lock:
            return copy.deepcopy({"projects": self._projects, "builds": self._builds, "numbers": self._numbers})

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a snapshot; builds that were running did not survive the server, and end as FAULT."""
        with self._lock:
            self._projects, self._builds, self._numbers = state["projects"], state["builds"], state["numbers"]
            for record in self._builds.values():
                if record["buildStatus"] == IN_PROGRESS:
                    interrupted(record)
                    shutil.rmtree(folder_of(self.runtime.home, record["id"]), ignore_errors=True)

    def reset(self) -> None:
        """End all builds and forget everything."""
        self.stop()
        with self._lock:
            self._projects, self._builds, self._numbers = {}, {}, {}

    def stop(self) -> None:
        """End what is running."""
        with self._lock:
            running = list(self._running.values())
        for build in running:
            build.stop_requested.set()
        for build in running:
            build.ended.wait(10)

    def start_from_pipeline(
        self, project: str, source: Mapping[str, str], secondary_sources: Mapping[str, Mapping[str, str]],
        environment: Sequence[Mapping[str, str]], output: PipelineOutput,
    ) -> str:  # fmt: skip
        """Start the build of a pipeline's action; return its id. Sources have "bucket", "key" and "revision".

        Raises ServiceError. The variables of a build are those of the project, then those given here.
        """
        with self._lock:
            record = self._project(project)
            if record["source"]["type"] != "CODEPIPELINE":
                raise ServiceError(
                    "InvalidInputException", f"Project {project} must have the source type CODEPIPELINE."
                )
            single = len(output["artifacts"]) == 1
            places = {
                "" if single else name: ArtifactPlace(place["bucket"], place["key"], output["encryption"])
                for name, place in output["artifacts"].items()
            }
            request = BuildRequest(
                {"type": "CODEPIPELINE", **source},
                {name: {"type": "CODEPIPELINE", **place} for name, place in secondary_sources.items()},
                places,
            )
            version = f"arn:aws:s3:::{source['bucket']}/{source['key']}"
            project_now = _with_variables(record, environment)
            build_id = self._start(project_now, request, f"codepipeline/{output['pipeline']}", version)
        self.keep()
        return build_id

    def wait(self, build_id: str, timeout: float | None = None) -> Record:
        """Wait until a build has ended, or for so many seconds; return its record."""
        with self._lock:
            running = self._running.get(build_id)
        if running is not None:
            running.ended.wait(timeout)
        return self._shown(self._builds[build_id])

    def _create_project(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if request["name"] in self._projects:
                arn = self._projects[request["name"]]["arn"]
                raise ServiceError("ResourceAlreadyExistsException", f"Project already exists: {arn}")
            project = self._projects[request["name"]] = projects.create(self.runtime, request)
            return {"project": copy.deepcopy(project)}

    def _update_project(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            current = self._project(request["name"])
            project = self._projects[request["name"]] = projects.checked({**current, **request})
            return {"project": copy.deepcopy(project)}

    def _delete_project(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._projects.pop(request["name"], None)  # AWS, too, says nothing of one that is not there
        return {}

    def _batch_get_projects(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            names = {name: name.rpartition(":project/")[2] for name in request["names"]}
            found = [copy.deepcopy(self._projects[short]) for short in names.values() if short in self._projects]
            missing = [name for name, short in names.items() if short not in self._projects]
        return {"projects": found, "projectsNotFound": missing}

    def _list_projects(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            by = {"CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}.get(
                request.get("sortBy", ""), "name"
            )
            found = sorted(self._projects.values(), key=lambda project: project[by])
        names = [project["name"] for project in found]
        return {"projects": names[::-1] if request.get("sortOrder") == "DESCENDING" else names}

    def _start_build(self, request: dict[str, Any]) -> dict[str, Any]:
        refused = sorted(request.keys() - _OVERRIDES.keys() - _ALSO_TAKEN)
        if refused:
            raise ServiceError("InvalidInputException", f"The local AWS does not honour {', '.join(refused)}.")
        with self._lock:
            project = _with_variables(
                self._project(request["projectName"]), request.get("environmentVariablesOverride", [])
            )
            for name, (member, part) in _OVERRIDES.items():
                if name in request:
                    project[member] = {**project[member], part: request[name]} if part else request[name]
            projects.checked(project)
            if project["source"]["type"] == "CODEPIPELINE":
                raise ServiceError("InvalidInputException", "Builds of this project are started by its pipeline alone.")
            build_request = BuildRequest(_source(project), {}, _places(project))
            initiator = requester.get().rpartition(":")[2] or "root"
            version = str(request.get("sourceVersion") or project.get("sourceVersion", ""))
            build_id = self._start(project, build_request, initiator, version)
            return {"build": self._shown(self._builds[build_id])}

    def _start(self, project: Record, request: BuildRequest, initiator: str, version: str) -> str:
        name = project["name"]
        self._numbers[name] = self._numbers.get(name, 0) + 1
        record = _record(self.runtime, project, self._numbers[name])
        record |= {"initiator": initiator} | ({"sourceVersion": version} if version else {})
        if request.source.get("revision"):
            record["resolvedSourceVersion"] = request.source["revision"]
        build = Build(record, project, request, self._lock)
        self._builds[build.id] = record
        self._running[build.id] = build
        self.runtime.spawn(f"build {build.id}", self._run, build)
        return build.id

    def _run(self, build: Build) -> None:
        publish_state(self.runtime, build.record)
        try:
            BuildRunner(self.runtime, build).run()
        finally:
            with self._lock:
                self._running.pop(build.id, None)
            publish_state(self.runtime, self._shown(build.record))

    def _stop_build(self, request: dict[str, Any]) -> dict[str, Any]:
        build_id = request["id"].rpartition(":build/")[2]
        with self._lock:
            if build_id not in self._builds:
                raise ServiceError("ResourceNotFoundException", f"Build {request['id']} does not exist.")
            running = self._running.get(build_id)
        if running is not None:
            running.stop_requested.set()
            running.ended.wait(10)
        return {"build": self._shown(self._builds[build_id])}

    def _batch_get_builds(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            names = {name: name.rpartition(":build/")[2] for name in request["ids"]}
            found = [self._shown(self._builds[short]) for short in names.values() if short in self._builds]
            missing = [name for name, short in names.items() if short not in self._builds]
        return {"builds": found, "buildsNotFound": missing}

    def _list_builds(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ids": self._ids(request)}

    def _list_builds_for_project(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            name = self._project(request["projectName"])["name"]
        return {"ids": [identity for identity in self._ids(request) if identity.startswith(f"{name}:")]}

    def _ids(self, request: Mapping[str, Any]) -> list[str]:
        with self._lock:
            found = sorted(self._builds.values(), key=lambda build: build["startTime"])
        ids = [str(build["id"]) for build in found]
        return ids if request.get("sortOrder") == "ASCENDING" else ids[::-1]

    def _project(self, name: str) -> Record:
        project = self._projects.get(name.rpartition(":project/")[2])
        if project is None:
            raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {name}")
        return project

    def _shown(self, record: Record) -> Record:
        with self._lock:
            return copy.deepcopy(record)


def _with_variables(project: Record, variables: Sequence[Mapping[str, str]]) -> Record:
    """Return a copy of a project whose variables are overridden by those given."""
    changed: Record = copy.deepcopy(project)
    merged = {entry["name"]: entry for entry in changed["environment"].get("environmentVariables", [])}
    merged |= {entry["name"]: dict(entry) for entry in variables}
    changed["environment"]["environmentVariables"] = list(merged.values())
    return changed


def _record(runtime: Runtime, project: Record, number: int) -> Record:
    """Return the record of a build that begins now."""
    name, identity = project["name"], str(uuid.uuid4())
    logs = project.get("logsConfig", {}).get("cloudWatchLogs", {})
    group, stream = logs.get("groupName", f"/aws/codebuild/{name}"), identity
    if logs.get("streamName"):
        stream = f"{logs['streamName']}/{identity}"
    home = f"https://console.aws.amazon.com/cloudwatch/home?region={runtime.region}"
    arn = f"arn:aws:logs:{runtime.region}:{runtime.account}:log-group:{group}:log-stream:{stream}"
    return {
        "id": f"{name}:{identity}",
        "arn": f"arn:aws:codebuild:{runtime.region}:{runtime.account}:build/{name}:{identity}",
        "projectName": name,
        "buildNumber": number,
        "startTime": now(),
        "currentPhase": "SUBMITTED",
        "buildStatus": IN_PROGRESS,
        "buildComplete": False,
        "phases": [],
        "source": project["source"],
        "artifacts": {"location": project["artifacts"].get("location", "")},
        "cache": project["cache"],
        "environment": project["environment"],
        "serviceRole": project["serviceRole"],
        "logs": {
            "groupName": group,
            "streamName": stream,
            "deepLink": f"{home}#logsV2:log-groups/log-group/{group.replace('/', '$252F')}/log-events/{stream}",
            "cloudWatchLogsArn": arn,
        },
        "timeoutInMinutes": project["timeoutInMinutes"],
        "queuedTimeoutInMinutes": project["queuedTimeoutInMinutes"],
        "encryptionKey": project["encryptionKey"],
    }


def _source(project: Record) -> dict[str, str]:
    if project["source"]["type"] == "NO_SOURCE":
        return {"type": "NO_SOURCE"}
    bucket, _, key = project["source"]["location"].partition("/")
    return {"type": "S3", "bucket": bucket, "key": key}


def _places(project: Record) -> dict[str, ArtifactPlace]:
    """Return where S3 takes the artifact: <path>/<name>, with .zip if it is one."""
    artifacts = project["artifacts"]
    if artifacts["type"] == "NO_ARTIFACTS":
        return {}
    packaging = artifacts.get("packaging", "NONE")
    parts = [artifacts.get("path", "").strip("/"), artifacts.get("name") or project["name"]]
    key = "/".join(part for part in parts if part)
    if packaging == "ZIP" and not key.endswith(".zip"):
        key += ".zip"
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": project["encryptionKey"]}
    chosen = {} if artifacts.get("encryptionDisabled") else encryption
    return {"": ArtifactPlace(artifacts["location"], key, chosen, packaging)}
