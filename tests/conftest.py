"""How property tests search: repeatably on CI, afresh elsewhere, longer in `make prove`."""

import gc
import os
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import engine

from tests.support.counts import repeats

# Once an example has failed, the search for a smaller one may take five minutes by default.
engine.MAX_SHRINKING_SECONDS = repeats(20, proof=300)

settings.register_profile(
    "bandpro",
    max_examples=repeats(60, proof=2_000),
    # A busy machine makes single examples slow, not wrong; each test has its own time limit.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Without `explain`: it traces every line from the first failure on, shrinking included, which
    # makes histories ten times slower to run, and a run that failed looks like one that hangs.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
)
settings.load_profile("bandpro")


@pytest.hookimpl(trylast=True)  # once the plugin has put its marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End a property test that hangs with its process, and say where it was.

    The usual time limit raises within the test. Hypothesis takes that for one more failing example
    and runs it again, without a limit.
    """
    for item in items:
        if item.get_closest_marker("hypothesis") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(method="thread"))


def pytest_collection_finish() -> None:
    """Leave what was imported to itself: collecting garbage would look at all of it each time.

    And look less often than Python does by itself: tests make much that is freed without it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def drivers_leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect what MongoDB's driver leaves, before another test is blamed for it.

    A client that is closed while one of its monitors connects leaves a socket to the collector.
    """
    yield
    if any("mongo" in name for name in (request.node.nodeid, *request.fixturenames)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
