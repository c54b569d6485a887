"""Showing a store's URL to people without the credentials in it."""

from __future__ import annotations

import re
from typing import Final

_USER: Final = re.compile(r"(?<=://).*@", re.DOTALL)
_OPTIONS: Final = re.compile(r"\?.*", re.DOTALL)


def masked(url: str) -> str:
    """The URL without user, password and options, any of which may hold a secret.

    All up to the last ``@`` goes, so that a password with an unescaped one in it is not half shown.
    """
    return _USER.sub("***@", _OPTIONS.sub("", url)) if "@" in url else _OPTIONS.sub("", url)
