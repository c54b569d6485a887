"""Files of the pages as browsers get them."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.server import Server, serving

STATIC: Final = Path(__file__).parents[2] / "gateway" / "static"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this module."""
    with serving(tmp_path_factory.mktemp("page")) as running:
        yield running


def largest(page: str, ending: str) -> tuple[str, bytes]:
    """The path that a page asks for, and what lies there on the disk."""
    folder = STATIC / page
    file = max(folder.rglob(f"*{ending}"), key=lambda each: each.stat().st_size)
    return f"/{file.relative_to(folder)}", file.read_bytes()


@pytest.mark.parametrize(
    ("page", "ending", "kind"),
    [
        ("editor", ".wasm", "application/wasm"),
        ("editor", ".js", "text/javascript"),
        ("editor", ".bin", "application/octet-stream"),
        ("inspector", ".js", "text/javascript"),
    ],
)
async def test_files_come_packed_to_those_who_take_them_so(
    server: Server, page: str, ending: str, kind: str
) -> None:
    """What is read of them is what lies on the disk, either way.

    On the server's own machine they come as they are, unless a proxy passes them on.
    """
    path, content = largest(page, ending)
    passed_on = {"x-forwarded-for": "192.0.2.7"}
    async with httpx.AsyncClient(base_url=server.url) as client:
        for said, others, is_packed in (
            ("gzip", passed_on, True),
            ("br, GZIP;q=0.5", {"via": "1.1 proxy"}, True),
            ("gzip", {}, False),
            ("gzip;q=0", passed_on, False),
            ("identity", passed_on, False),
            ("br, x-gzip", passed_on, False),
        ):
            headers = {"accept-encoding": said, **others}
            request = client.build_request("GET", path, headers=headers)
            answer = await client.send(request, stream=True)
            body = b"".join([chunk async for chunk in answer.aiter_raw()])
            assert (answer.headers.get("content-encoding") == "gzip") == is_packed, said
            assert (gzip.decompress(body) if is_packed else body) == content
            assert answer.headers["content-type"].partition(";")[0] == kind
            assert answer.headers["vary"] == "accept-encoding"
            assert "immutable" in answer.headers["cache-control"]
