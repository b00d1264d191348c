"""What the emulator gets wrong, mended: one module a subject, each naming the AWS document that it follows."""

from __future__ import annotations

from localaws.corrections import (
    bucket_properties,
    copied_objects,
    ecr_images,
    ecr_layers,
    event_targets,
    full_disk,
    function_updates,
    lambda_isolation,
    mail,
    object_encryption,
    object_events,
    policy_simulation,
    provisioning_threads,
    registry,
    request_resources,
    root_signature,
    service_principals,
    settled_stacks,
    stream_batches,
    stream_records,
    table_properties,
    topic_properties,
)
from localaws.runtime import Runtime

_ALL = (
    bucket_properties,
    copied_objects,
    ecr_images,
    ecr_layers,
    event_targets,
    full_disk,
    function_updates,
    lambda_isolation,
    mail,
    object_encryption,
    object_events,
    policy_simulation,
    provisioning_threads,
    registry,
    request_resources,
    root_signature,
    service_principals,
    settled_stacks,
    stream_batches,
    stream_records,
    table_properties,
    topic_properties,
)


def install(runtime: Runtime) -> None:
    """Put every correction in place, before the first request; raise EmulatorChangedError where one has no hold."""
    for correction in _ALL:
        correction.install(runtime)
