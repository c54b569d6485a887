"""SPEC.md and the tests agree on which rules there are."""

import ast
import re
from collections.abc import Iterator

from tests.support.sources import ROOT, Module, python_modules

SPEC = ROOT / "SPEC.md"
RULE = re.compile(r"\*\*([A-Z][A-Z0-9]*-\d+)\*\*")
MENTION = re.compile(r"\b[A-Z][A-Z0-9]*-\d+\b")


def test_specification_states_rules_once_each() -> None:
    """SPEC.md has rules, and no identifier is stated twice."""
    stated = RULE.findall(SPEC.read_text(encoding="utf-8"))
    assert stated, "SPEC.md states no rule of the form **ACK-1**"
    assert sorted(stated) == sorted(set(stated))


def test_every_rule_is_borne_by_a_test() -> None:
    """Each rule of SPEC.md is named by the title or docstring of at least one test."""
    assert sorted(_rules() - _rules_in_tests()) == []


def test_tests_bear_no_rule_that_is_not_stated() -> None:
    """A test that names a rule names one that SPEC.md still has."""
    families = {rule.rpartition("-")[0] for rule in _rules()}
    borne = {rule for rule in _rules_in_tests() if rule.rpartition("-")[0] in families}
    assert sorted(borne - _rules()) == []


def _rules() -> set[str]:
    return set(RULE.findall(SPEC.read_text(encoding="utf-8")))


def _rules_in_tests() -> set[str]:
    return {
        mention
        for module in python_modules()
        if module.path.startswith("tests/")
        for text in _titles(module)
        for mention in MENTION.findall(text)
    }


def _titles(module: Module) -> Iterator[str]:
    """Names, in the form of identifiers, and docstrings of a module's tests."""
    yield ast.get_docstring(module.tree) or ""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.lower().startswith("test"):
                yield _identifiers(node.name)
            yield ast.get_docstring(node) or ""


def _identifiers(name: str) -> str:
    """`test_ack_1_is_durable` as `TEST ACK-1 IS DURABLE`."""
    return re.sub(r"_(\d+)(?=_|$)", r"-\1", name).replace("_", " ").upper()
