"""The `bandpro` command."""

from __future__ import annotations

import asyncio
import platform
import re
import sys
from importlib.metadata import version as package_version
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collab.access import Role
from collab.errors import BandProError
from collab.ids import Subject
from gateway.api.routes import server_version
from gateway.auth.build import SYSTEM_CLOCKS, token_rules
from gateway.auth.tokens import SecretKey, TokenContent, TokenVerifier, mint_token
from gateway.cli_backup import add_backup_commands
from gateway.cli_recovery import add_recovery_commands
from gateway.cli_restore import add_restore_command
from gateway.doctor import Finding, Verdict, examine
from gateway.key_commands import keys_app
from gateway.options import Options, setting_names, shown_setting, with_setting_options
from gateway.orphans_command import add_orphans_command
from gateway.reference import DOCUMENTS
from gateway.room_commands import rooms_app
from gateway.setting_types import AuthMode
from gateway.settings import ENV_PREFIX, Settings, load_settings
from gateway.terminal import EXIT_BAD, EXIT_USAGE, Json, complain, print_json, usage
from gateway.version_commands import versions_app

_SPAN: Final = re.compile(r"(\d{1,9})([smhd]?)")
_SPAN_UNITS_S: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MARKS: Final = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.BAD: "red"}

app = typer.Typer(
    name="bandpro",
    help="A Yjs-compatible real-time collaboration server for music scores.",
    epilog="Start with [bold]bandpro serve[/bold]; when something is odd, [bold]bandpro doctor"
    "[/bold].",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.add_typer(rooms_app, name="rooms")
add_backup_commands(app)
add_restore_command(app)
add_recovery_commands(app)
app.add_typer(keys_app, name="keys")
app.add_typer(versions_app, name="versions")
add_orphans_command(app)


def main() -> None:
    """Run the command line; a known error is one line and a hint, never a traceback."""
    try:
        app()
    except BandProError as error:
        complain(str(error), *getattr(error, "__notes__", ()))
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        sys.exit(EXIT_BAD)


@app.command()
@with_setting_options
def serve(options: Options) -> None:
    """Run the server until SIGTERM or Ctrl+C.

    Every option can also be set in the environment: [bold]--admin-port[/bold] is
    [bold]BANDPRO_ADMIN_PORT[/bold]. The option wins.

    [bold]Examples[/bold]

    Try it, on http://127.0.0.1:8080 with everything under ./data:
      [cyan]bandpro serve[/cyan]

    Guard it with tokens that share a secret with your application:
      [cyan]bandpro serve --host 0.0.0.0 --auth token --token-secret-file secret.txt[/cyan]

    Guard it with the keys of your identity provider:
      [cyan]bandpro serve --host 0.0.0.0 --auth token --jwks-url https://id.example/jwks.json
      --token-issuer https://id.example --token-audience bandpro[/cyan]
    """
    from gateway.main import run  # noqa: PLC0415 - the other commands start faster without it

    raise typer.Exit(run(load_settings(options)))


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


@app.command()
@with_setting_options
def doctor(
    options: Options,
    *,
    as_json: Json = False,
) -> None:
    """Check settings, secret, ports, open files, disk and store, and say what to do.

    Takes the options of [bold]serve[/bold]. The exit code is 1 when the server could not run like
    this. While a server runs, its ports and its folder are in use, which is reported as such.

    [bold]Example[/bold]

      [cyan]bandpro doctor --data ./data[/cyan]
    """
    findings = asyncio.run(_examined(load_settings(options), shown=not as_json))
    if as_json:
        print_json(findings)
    if any(finding.verdict is Verdict.BAD for finding in findings):
        raise typer.Exit(EXIT_BAD)


@app.command()
@with_setting_options
def settings(
    options: Options,
    *,
    as_json: Json = False,
) -> None:
    """Show the settings in force, and where each one comes from.

    Takes the options of [bold]serve[/bold]; secrets are masked.
    """
    loaded = load_settings(options)
    rows = [
        (title, name, _shown(loaded, name), _source(loaded, name, options))
        for title, names in setting_names()
        for name in names
    ]
    if as_json:
        values = {name: {"value": value, "from": source} for _, name, value, source in rows}
        print_json(values)
        return
    table = Table("setting", "value", "from", box=None, header_style="bold")
    previous = ""
    for title, name, value, source in rows:
        if title != previous:
            table.add_row(Text(f"\n{title}", style="bold cyan"))
            previous = title
        style = "" if source == "default" else "green"
        table.add_row(name, Text(value, style=style), Text(source, style=style or "dim"))
    Console().print(table)


@app.command()
def reference(
    table: Annotated[str, typer.Argument(help=f"One of {', '.join(DOCUMENTS)}.")],
) -> None:
    """Print a reference table as Markdown, or the rules for an S3 bucket as JSON."""
    if table not in DOCUMENTS:
        raise usage(f"there is no reference {table!r}", f"There are {', '.join(DOCUMENTS)}.")
    typer.echo(DOCUMENTS[table](), nl=False)


@app.command()
def version() -> None:
    """Show the versions of the server and of what matters under it."""
    typer.echo(f"bandpro {server_version()}")
    typer.echo(f"python {platform.python_version()}")
    for package in ("pycrdt", "uvicorn", "uvloop", "starlette", "websockets"):
        typer.echo(f"{package} {package_version(package)}")


async def _examined(loaded: Settings, *, shown: bool) -> list[Finding]:
    console = Console(highlight=False)
    findings = []
    async for finding in examine(loaded):
        findings.append(finding)
        if shown:
            line = Text(f"{finding.verdict.value:8}", style=_MARKS[finding.verdict])
            line.append(f"{finding.check:12} ", style="bold")
            line.append(finding.found, style="default")
            console.print(line, soft_wrap=True)
            if finding.advice:
                console.print(Text(f"{'':21}→ {finding.advice}"), soft_wrap=True)
    return findings


def _shown(loaded: Settings, name: str) -> str:
    if name == "token_algorithms":
        return ",".join(algorithm.value for algorithm in loaded.pinned_algorithms)
    return shown_setting(name, getattr(loaded, name))


def _source(loaded: Settings, name: str, options: Options) -> str:
    if options.get(name) is not None:
        return f"--{name.replace('_', '-')}"
    if name == "token_secret" and loaded.token_secret_file is not None:
        return "token_secret_file"
    return f"{ENV_PREFIX}{name.upper()}" if name in loaded.model_fields_set else "default"


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


if __name__ == "__main__":
    main()
