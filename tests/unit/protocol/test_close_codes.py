"""The catalogue of close codes."""

import pytest

from collab.limits import REASON_BYTES_MAX
from collab.protocol.close_codes import MEANING, CloseCode, is_retryable, is_terminal


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_code_is_explained_in_words_that_fit_a_close_frame(code: CloseCode) -> None:
    assert 0 < len(MEANING[code].encode()) <= REASON_BYTES_MAX


@pytest.mark.parametrize("code", list(CloseCode))
def test_the_band_of_a_code_says_whether_to_come_back(code: CloseCode) -> None:
    """LIM-9."""
    assert is_terminal(code) == (4400 <= code < 4500)
    assert is_retryable(code) == (4500 <= code < 4600 or code in {1011, 1012, 1013})
    assert not (is_terminal(code) and is_retryable(code))
