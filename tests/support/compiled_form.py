"""Runs the tests of a pytest session against the compiled core: ``-p tests.support.compiled_form``.

The core is compiled first if it is not yet. On a machine that cannot compile nothing is run, and
one line says why.
"""

import os

import pytest

from gateway.compiled.build import build, obstacle
from gateway.compiled.form import FORM_VARIABLE, choose, running_form


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Choose the form before any file of the tests imports the core."""
    problem = obstacle()
    if problem:
        pytest.exit(f"No tests of the compiled core: {problem}.", returncode=0)
    build()
    # Servers and workers that the tests start inherit it.
    os.environ[FORM_VARIABLE] = "1"
    choose(os.environ)


def pytest_sessionstart() -> None:
    """Run nothing if the plain core was imported after all."""
    form = running_form()
    assert form.is_compiled, form


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was tested."""
    terminalreporter.write_line("Tested: the compiled core.")
