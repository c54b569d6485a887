"""Where a bus is, as operators spell it."""

import pytest

from gateway.cluster.bus_url import Address, BusUrl, parse_bus_url


@pytest.mark.parametrize(
    ("text", "base", "kind", "hosts", "service"),
    [
        ("redis://r", "redis://r:6379/", "", [("r", 6379)], ""),
        ("redis://r:7000/2", "redis://r:7000/2", "", [("r", 7000)], "2"),
        ("rediss://u:p@r:7000", "rediss://u:p@r:7000/", "", [("r", 7000)], ""),
        ("redis://[::1]:7000", "redis://[::1]:7000/", "", [("::1", 7000)], ""),
        ("redis://u:p%40@r?x=1", "redis://u:p%40@r:6379/?x=1", "", [("r", 6379)], ""),
        (
            "redis+sentinel://u:p@a,b:7001/mymaster",
            "redis://u:p@a:26379",
            "sentinel",
            [("a", 26379), ("b", 7001)],
            "mymaster",
        ),
        (
            "rediss+cluster://a:7000,b",
            "rediss://a:7000",
            "cluster",
            [("a", 7000), ("b", 6379)],
            "",
        ),
    ],
)
def test_urls_are_understood(
    text: str, base: str, kind: str, hosts: list[tuple[str, int]], service: str
) -> None:
    """BUS-10."""
    expected = BusUrl(base, kind, tuple(Address(*each) for each in hosts), service)
    assert parse_bus_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "on",
        "r:6379",
        "http://r",
        "redis://",
        "redis://a,b",
        "redis://a:port",
        "redis+sentinel://a",
        "redis+other://a",
        "redis://::1",
    ],
)
def test_others_are_refused_without_being_repeated(text: str) -> None:
    """BUS-10: there may be a password in it."""
    with pytest.raises(ValueError, match="should") as caught:
        parse_bus_url(text.replace("//", "//u:geheim@"))
    assert "geheim" not in str(caught.value)
