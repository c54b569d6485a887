"""The catalogue of close codes."""

import ast

import pytest

from collab.limits import REASON_BYTES_MAX
from collab.protocol.close_codes import MEANING, NEVER_SENT, CloseCode, is_retryable, is_terminal
from tests.support.sources import python_modules


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_code_is_explained_in_words_that_fit_a_close_frame(code: CloseCode) -> None:
    assert 0 < len(MEANING[code].encode()) <= REASON_BYTES_MAX


@pytest.mark.parametrize("code", list(CloseCode))
def test_the_band_of_a_code_says_whether_to_come_back(code: CloseCode) -> None:
    """LIM-9."""
    assert is_terminal(code) == (4400 <= code < 4500)
    assert is_retryable(code) == (4500 <= code < 4600 or code in {1011, 1012, 1013})
    assert not (is_terminal(code) and is_retryable(code))


def test_the_catalogue_says_which_codes_nothing_sends() -> None:
    """LIM-9: A code is named by the code that closes connections, or said to be never sent.

    What is only counted is named there too.
    """
    counted_only = {CloseCode.SLOW_CONSUMER}
    named = {
        getattr(CloseCode, node.attr)
        for module in python_modules()
        if module.path.startswith("gateway/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "CloseCode"
    }
    sent_by_rooms = {CloseCode.CLIENT_ID_TAKEN, CloseCode.DOCUMENT_FULL}
    assert set(CloseCode) - named - sent_by_rooms == set(NEVER_SENT) - counted_only
    assert counted_only <= named
