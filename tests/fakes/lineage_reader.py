"""An event of OpenLineage as OpenLineage's own client understands it: each facet by the class that the client has."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

_FACETS: Final = MappingProxyType(
    {
        "tags": facet_v2.tags_run.TagsRunFacet,
        "executionParameters": facet_v2.execution_parameters_run.ExecutionParametersRunFacet,
        "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
        "jobType": facet_v2.job_type_job.JobTypeJobFacet,
        "sourceCodeLocation": facet_v2.source_code_location_job.SourceCodeLocationJobFacet,
        "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
        "datasetType": facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet,
        "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
        "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    }
)
_PARTS: Final = MappingProxyType(
    {
        "tags": facet_v2.tags_run.TagsRunFacetFields,
        "parameters": facet_v2.execution_parameters_run.ExecutionParameter,
    }
)


def read_lineage(event: dict[str, Any]) -> event_v2.RunEvent:
    """AssertionError, or the client's own error, where the event is none or says something that the client does not.

    The client writes what it has read anew, with its own schemas' addresses; both must be the same.
    """
    read = event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        run=event_v2.Run(runId=event["run"]["runId"], facets=_facets(event["run"]["facets"])),
        job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], _facets(event["job"]["facets"])),
        inputs=[
            event_v2.InputDataset(
                each["namespace"],
                each["name"],
                facets=_facets(each["facets"]),
                inputFacets=_facets(each["inputFacets"]),
            )
            for each in event["inputs"]
        ],
        outputs=[
            event_v2.OutputDataset(
                each["namespace"],
                each["name"],
                facets=_facets(each["facets"]),
                outputFacets=_facets(each["outputFacets"]),
            )
            for each in event["outputs"]
        ],
        producer=event["producer"],
    )
    written = Serde.to_dict(read)
    assert written == event, f"the client reads {written}"
    return read


def _facets(facets: dict[str, Any]) -> dict[str, Any]:
    return {name: _facet(name, dict(members)) for name, members in facets.items()}


def _facet(name: str, members: dict[str, Any]) -> Any:
    producer = members.pop("_producer")
    members.pop("_schemaURL")
    given = {key: [_PARTS[key](**each) for each in value] if key in _PARTS else value for key, value in members.items()}
    return _FACETS[name](**given, producer=producer)
