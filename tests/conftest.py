"""How property tests search: repeatably on CI, afresh elsewhere, longer in `make prove`."""

import os

from hypothesis import HealthCheck, settings

from tests.support.counts import repeats

settings.register_profile(
    "bandpro",
    max_examples=repeats(100, proof=2_000),
    # A busy machine makes single examples slow, not wrong; each test has its own time limit.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
)
settings.load_profile("bandpro")
