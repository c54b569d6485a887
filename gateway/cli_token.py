"""`bandpro token`: mints tokens for development."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final

import typer

from collab.access import Role
from collab.ids import Subject
from gateway.auth.build import SYSTEM_CLOCKS, token_rules
from gateway.auth.tokens import SecretKey, TokenContent, TokenVerifier, mint_token
from gateway.setting_types import AuthMode
from gateway.settings import load_settings
from gateway.terminal import usage

_SPAN: Final = re.compile(r"(\d{1,9})([smhd]?)")
_SPAN_UNITS_S: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}

app: Final = typer.Typer()


@app.command()
def token(
    subject: Annotated[str, typer.Option(help="Whom the token stands for: its sub.")],
    room: Annotated[
        list[str],
        typer.Option(
            metavar="PATTERN=ROLE",
            help="A role in the rooms that a name or pattern matches; may be repeated. * stands "
            "for part of a segment, ** for anything. Roles: owner, editor, commenter, viewer.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="The name that others see.")] = None,
    ttl: Annotated[
        str, typer.Option(metavar="TIME", help="How long it holds: 90s, 30m, 12h, 7d.")
    ] = "12h",
    token_secret_file: Annotated[
        str | None, typer.Option(help="File that holds the secret.", metavar="PATH")
    ] = None,
    token_issuer: Annotated[str | None, typer.Option(help="Its iss.", metavar="TEXT")] = None,
    token_audience: Annotated[str | None, typer.Option(help="Its aud.", metavar="TEXT")] = None,
) -> None:
    """Mint a token for development, signed with the server's secret.

    The secret comes from [bold]BANDPRO_TOKEN_SECRET[/bold], or from a file. The token goes to
    standard output, and nothing else does.

    [bold]Examples[/bold]

    Everything, for yourself:
      [cyan]bandpro token --subject me --room '**=owner' --token-secret-file secret.txt[/cyan]

    A singer who may edit one band's scores and read another's:
      [cyan]bandpro token --subject u-17 --name Clara --room 'band/*=editor' --room
      'guests/*=viewer'[/cyan]
    """
    settings = load_settings(
        {
            "auth": AuthMode.TOKEN.value,
            "token_secret_file": token_secret_file,
            "token_issuer": token_issuer,
            "token_audience": token_audience,
        }
    )
    if settings.token_secret is None:
        raise usage(
            "a token can only be minted with a secret, and jwks_url is set",
            "Ask your identity provider for one.",
        )
    lifetime_s = _span_s(ttl)
    if lifetime_s > settings.token_lifetime_s_max:
        raise usage(
            f"--ttl {ttl}: the server accepts {settings.token_lifetime_s_max} s at most",
            "Raise token_lifetime_s_max on the server and here.",
        )
    content = TokenContent(Subject(subject), name, dict(map(_grant, room)), lifetime_s)
    secret, rules = settings.token_secret.get_secret_value(), token_rules(settings)
    minted = mint_token(content, secret=secret, rules=rules, now=SYSTEM_CLOCKS.wall())
    # Rather here than at the door: a subject or pattern that no server would take.
    asyncio.run(TokenVerifier(rules, SecretKey(secret)).verify(minted, SYSTEM_CLOCKS.wall()))
    typer.echo(minted)


def _grant(text: str) -> tuple[str, Role]:
    pattern, separator, role = text.rpartition("=")
    if not separator or not pattern or role not in set(Role):
        raise usage(
            f"--room {text}: no PATTERN=ROLE",
            f"Roles are {', '.join(Role)}; for example --room 'band/*=editor'.",
        )
    return pattern, Role(role)


def _span_s(text: str) -> int:
    found = _SPAN.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise usage(f"--ttl {text}: no time", "Write it as 90s, 30m, 12h or 7d.")
    return int(found[1]) * _SPAN_UNITS_S[found[2]]
