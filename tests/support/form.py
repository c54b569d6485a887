"""Which form of the core a test runs, and how processes that it starts run the same one."""

import os
from pathlib import Path

import collab
from gateway.compiled.form import FORM_VARIABLE
from tests.support.sources import ROOT


def form_environment() -> dict[str, str]:
    """Variables for `bandpro`: the plain core, unless the run is one against the compiled core."""
    return {FORM_VARIABLE: os.environ.get(FORM_VARIABLE, "0")}


def same_form_environment() -> dict[str, str]:
    """An environment in which ``python -P -m`` finds the core of this process, and these tests."""
    core = Path(collab.__file__).parents[1]
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(core), str(ROOT)])}
