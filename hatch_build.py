"""Builds wheels: with the compiled core where a C compiler is at hand, pure ones elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledCore(BuildHookInterface[Any]):
    """Adds the compiled form of the core to a wheel, which then is for one kind of machine.

    ``BANDPRO_COMPILED=0`` makes a pure wheel all the same.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless that cannot be done here; a core that does not compile is an error."""
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, self.root)  # these packages, not others that may be installed
        from gateway.compiled.build import build, obstacle  # noqa: PLC0415
        from gateway.compiled.form import FORM_VARIABLE, FORMS_FOLDER  # noqa: PLC0415

        problem = f"{FORM_VARIABLE} is 0" if os.environ.get(FORM_VARIABLE) == "0" else obstacle()
        if problem:
            self.app.display_warning(f"A pure wheel, without the compiled core: {problem}.")
            return
        folder = build(Path(self.root))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"][str(folder)] = f"{FORMS_FOLDER}/{folder.name}"
