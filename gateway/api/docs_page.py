"""The API's documentation as one page of HTML: no scripts, no outside assets, a strict CSP."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from typing import Any, Final

from collab.protocol.close_codes import MEANING, NEVER_SENT, is_retryable, is_terminal
from gateway.api.problems import Problem

_STYLE: Final = """\
:root{color-scheme:light dark;--ink:#1c1b1a;--soft:#6a655f;--paper:#fbfaf8;--line:#e2ddd5;
--accent:#8a3b12;--code:#f1ede6}
@media(prefers-color-scheme:dark){:root{--ink:#ece7df;--soft:#a39b90;--paper:#181715;--line:#35322d;
--accent:#e8a06a;--code:#24221f}}
*{box-sizing:border-box}html{scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);
display:grid;grid-template-columns:minmax(12rem,17rem) minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.5rem;
border-right:1px solid var(--line);font-size:.9rem}
nav strong{display:block;margin:1.1rem 0 .3rem;color:var(--soft);font-weight:600}
nav a{display:block;padding:.15rem 0;color:inherit;text-decoration:none}
a{color:var(--accent)}nav a:hover,nav a:focus{color:var(--accent)}
main{padding:1.5rem clamp(1rem,4vw,3.5rem) 5rem;max-width:62rem}
h1{font-size:1.7rem;margin:.2rem 0}h2{margin:3rem 0 .5rem;font-size:1.3rem}
section{border-top:1px solid var(--line);padding:1.2rem 0}
h3{margin:0;font-size:1.05rem}h4{margin:1rem 0 .3rem;font-size:.85rem;color:var(--soft)}
code{background:var(--code);padding:.1em .35em;border-radius:.3em;font-size:.9em}
.path{font-size:1rem;margin:.4rem 0;overflow-wrap:anywhere}.path b{color:var(--accent)}
table{border-collapse:collapse;width:100%;font-size:.92rem}
td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;
border-bottom:1px solid var(--line)}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;border:0}}
"""
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "style-src 'sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
)

Document = Mapping[str, Any]
_Operation = tuple[str, str, Document]


def docs_page(document: Document) -> str:
    """Render an OpenAPI document of ours.

    Args:
        document: as made by ``openapi_document``.

    Returns:
        A complete HTML page.
    """
    operations = list(_operations(document))
    parts = [_navigation(operations), "<main>", _introduction(document["info"])]
    for tag, tagged in groupby(operations, key=_tag):
        parts.append(f"<h2>{escape(tag)}</h2>")
        parts += map(_operation, tagged)
    parts += [_schemas(document), _problems(), _close_codes(), "</main>"]
    title = escape(document["info"]["title"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _operations(document: Document) -> Iterator[_Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def _tag(operation: _Operation) -> str:
    return str(operation[2]["tags"][0])


def _navigation(operations: list[_Operation]) -> str:
    links = []
    for tag, tagged in groupby(operations, key=_tag):
        links.append(f"<strong>{escape(tag)}</strong>")
        links += (
            f'<a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a>'
            for _, _, operation in tagged
        )
    links.append("<strong>Reference</strong>")
    links += (
        f'<a href="#{anchor}">{text}</a>'
        for anchor, text in (
            ("schemas", "Schemas"),
            ("problems", "Problems"),
            ("close-codes", "Close codes"),
        )
    )
    return f'<nav aria-label="Contents">{"".join(links)}</nav>'


def _introduction(info: Document) -> str:
    paragraphs = (f"<p>{_prose(text)}</p>" for text in info["description"].split("\n\n"))
    return (
        f"<h1>{escape(info['title'])}</h1><p>Version {escape(info['version'])} · "
        f'<a href="/openapi.json">openapi.json</a></p>{"".join(paragraphs)}'
    )


def _operation(operation: _Operation) -> str:
    method, path, details = operation
    rows = [
        (f"<code>{escape(parameter['name'])}</code>", _kind(parameter["schema"]),
         _prose(parameter["description"]))
        for parameter in details["parameters"]
    ]  # fmt: skip
    parts = [
        f'<section id="{escape(details["operationId"])}"><h3>{escape(details["summary"])}</h3>',
        f'<p class="path"><b>{method}</b> <code>{escape(path)}</code></p>',
        f"<p>{_prose(details['description'])}</p>",
    ]
    if rows:
        parts.append(_table("Parameters", rows))
    if "requestBody" in details:
        parts.append(f"<h4>Body</h4><p>{_media(details['requestBody']['content'])}</p>")
    answers = [
        (f"<code>{status}</code>", _media(response.get("content", {})),
         _prose(response["description"]))
        for status, response in details["responses"].items()
    ]  # fmt: skip
    parts.append(_table("Answers", answers))
    return "".join(parts) + "</section>"


def _schemas(document: Document) -> str:
    parts = ['<h2 id="schemas">Schemas</h2>']
    for name, schema in document["components"]["schemas"].items():
        parts.append(f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>')
        parts.append(f"<p>{_prose(schema.get('description', ''))}</p>")
        rows = [
            (f"<code>{escape(key)}</code>", _kind(value), _prose(value.get("description", "")))
            for key, value in schema.get("properties", {}).items()
        ]
        if rows:
            parts.append(_table("Members", rows))
        if "enum" in schema:
            parts.append(f"<p>{_kind(schema)}</p>")
        parts.append("</section>")
    return "".join(parts)


def _problems() -> str:
    rows = [
        (str(int(problem.status)), f"<code>{problem.type_uri}</code>", escape(problem.title))
        for problem in Problem
    ]
    return '<h2 id="problems">Problems</h2>' + _table("", rows)


def _close_codes() -> str:
    rows = [
        (str(int(code)), _retry_word(is_retryable(code), is_terminal(code)), escape(meaning))
        for code, meaning in MEANING.items()
        if code not in NEVER_SENT
    ]
    return '<h2 id="close-codes">Close codes of the websockets</h2>' + _table("", rows)


def _retry_word(retryable: bool, terminal: bool) -> str:  # noqa: FBT001 - two facts, one word
    if retryable:
        return "try again"
    return "do not try again" if terminal else ""


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    heading = f"<h4>{escape(title)}</h4>" if title else ""
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"{heading}<table>{cells}</table>"


def _media(content: Document) -> str:
    return ", ".join(
        f"<code>{escape(media)}</code> {_kind(body['schema'])}" for media, body in content.items()
    )


def _kind(schema: Document) -> str:
    """A schema in few words, with links to named ones."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(branch) for branch in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        each = schema.get("items") or schema["prefixItems"][-1]
        return f"list of {_kind(each)}"
    return escape(" ".join(str(schema[key]) for key in ("format", "type") if key in schema))


def _prose(text: str) -> str:
    """Escaped text in which what stands between backticks is code."""
    pieces = escape(text).split("`")
    return "".join(
        f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces)
    )
