"""What a reader may rely on in every file: short functions, short modules, no foreign addresses."""

import re

from tests.support.sources import python_modules, tracked_texts

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 450

# Hosts that packages are installed from. A lock is good for every mirror, so it names none.
REGISTRY = re.compile(
    r"registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com"
    r"|(?:test\.)?pypi\.org|files\.pythonhosted\.org|deb\.debian\.org|archive\.ubuntu\.com"
    r"|crates\.io|proxy\.golang\.org|repo1?\.maven\.(?:apache\.)?org"
)
# Folders that exist on one person's machine only.
MACHINE_PATH = re.compile(r"(?<![\w.~}-])/(?:root|work|(?:home|Users)/[\w.-]+)/[\w.-]")


def test_functions_fit_on_one_screen() -> None:
    """No function is longer than 70 lines, its docstring included."""
    too_long = [
        f"{module.path}:{function.lineno} {function.name} has {lines} lines"
        for module in python_modules()
        for function in module.functions()
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert too_long == []


def test_modules_are_read_in_one_sitting() -> None:
    """No module is longer than 450 lines."""
    too_long = [
        f"{module.path} has {lines} lines"
        for module in python_modules()
        if (lines := len(module.text.splitlines())) > MODULE_LINES_MAX
    ]
    assert too_long == []


def test_no_file_names_a_package_registry() -> None:
    """Installing asks whichever index the machine is set up for; npm locks omit `resolved`."""
    assert _mentions(REGISTRY) == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    """A clone works in any folder, so no tracked file holds an absolute personal path."""
    assert _mentions(MACHINE_PATH) == []


def test_the_patterns_find_what_they_look_for() -> None:
    """Both searches above can fail."""
    slash = "/"
    assert REGISTRY.search("registry" + ".npmjs.org/yjs")
    assert MACHINE_PATH.search(f"see {slash}home/ann/bandpro")
    assert not MACHINE_PATH.search(f"https://example.org{slash}home/ann/bandpro")


def _mentions(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {found.group()}"
        for path, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := pattern.search(line))
    ]
