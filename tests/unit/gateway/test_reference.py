"""The reference tables in docs/ are what the code says."""

import pytest

from gateway.reference import REFERENCES
from tests.support.sources import ROOT


@pytest.mark.parametrize("name", REFERENCES)
def test_the_reference_in_docs_is_up_to_date(name: str) -> None:
    """OPS-8: Renew it with: bandpro reference NAME > docs/NAME.md."""
    written = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == REFERENCES[name]()
