"""A request for a service that is not offered is refused at once.

To know that AWS has a service of that name, the emulator reads the models of all four hundred, and answers nobody for
as long as that takes: seconds. Most are signed for under the name by which botocore lists them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import botocore.session
from ministack.core import router

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime


def install(runtime: Runtime) -> None:
    """Look at the list of services before their models."""
    del runtime
    wrap(router, "_is_aws_service_name", _is_service)


def _is_service(original: Callable[[str], bool], name: str) -> bool:
    return name.replace("-", "") in _listed() or original(name)


@functools.cache
def _listed() -> frozenset[str]:
    """The services' names, of which some have a hyphen that signatures leave out, as in `service-quotas`."""
    return frozenset(name.replace("-", "") for name in botocore.session.get_session().get_available_services())
