"""What applications measured on people's devices, with their consent: into histograms, and gone.

A report has nothing that tells whose it is, and neither logs nor labels say whose it was. Who may
report is asked all the same, and how often, so that strangers cannot draw the curves.
"""

from __future__ import annotations

import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collab.limits import KIB
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint
from gateway.api.measurement_answers import MeasurementsRequest
from gateway.api.openapi import schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import address_of, empty_response, read_json, read_query
from gateway.transport.rates import Pace

BYTES_MAX: Final = 8 * KIB
"""How large one report may be."""
REPORTS_PER_S: Final = 1.0
REPORTS_BURST: Final = 30.0
"""How fast one address may report; a page does once a minute, and when it is left."""
_MS: Final = "_ms"


class MeasurementsApi:
    """The handler.

    Args:
        services: what it works with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._pace = Pace(REPORTS_PER_S, REPORTS_BURST)

    async def report(self, request: Request) -> Response:
        """POST /measurements."""
        services = self._services
        await services.auth.authenticator.authenticate_request(request.headers)
        address = address_of(request, services.trusted_proxies)
        if services.pace is not None and not self._pace.admits(address, time.monotonic()):
            raise ProblemError(Problem.TOO_MANY, "reports from this address come too fast")
        read_query(request, NoQuery)
        told = (await read_json(request, MeasurementsRequest, BYTES_MAX)).model_dump()
        for value in told.pop("layout_shift"):
            services.metrics.client_layout_shift.observe(value)
        for name, values in told.items():
            kind = services.metrics.client_seconds.labels(name.removesuffix(_MS))
            for value in values:
                kind.observe(value / 1000)
        return empty_response()


def measurement_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operation on measurements."""
    api = MeasurementsApi(services)
    return [
        Endpoint(
            "POST",
            "/measurements",
            api.report,
            "reportMeasurements",
            "Observation",
            "Report what an application measured",
            "With the consent of whoever uses it: how long edits, saving, opening and coming back "
            "took, and web vitals. They are counted in histograms of all "
            "(`bandpro_client_seconds`, `bandpro_client_layout_shift`) and kept nowhere else. A "
            "report has at most 8 KiB. An address may send one a second, 30 at once.",
            status=204,
            body=Body(JSON, schema_of(MeasurementsRequest)),
            problems=(Problem.TIMEOUT, Problem.TOO_LARGE, Problem.UNSUPPORTED_MEDIA_TYPE),
        ),
    ]
