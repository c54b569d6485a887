"""`bandpro serve`."""

from __future__ import annotations

import os
from typing import Final

import typer

from gateway.main import run
from gateway.options import Options, with_setting_options
from gateway.settings import load_settings

app: Final = typer.Typer()


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

    Use four processors, with a Redis between the processes:
      [cyan]bandpro serve --workers 4 --bus redis://127.0.0.1 --bus-key-file bus.key[/cyan]
    """
    settings = load_settings(options)
    if settings.workers > 1:
        from gateway.processes.supervisor import supervise  # noqa: PLC0415 - few servers need it

        raise typer.Exit(supervise(settings, options, os.environ))
    raise typer.Exit(run(settings))
