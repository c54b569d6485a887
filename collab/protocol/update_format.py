"""The numbers of the V1 update format, as Yjs and yrs both understand them.

Source: Yjs, ``structs/*.js`` (contents), ``internals`` type refs; lib0, ``writeAny``.
"""

from __future__ import annotations

from typing import Final

# A struct's info byte: what it carries, and what stands before that.
GC: Final = 0
SKIP: Final = 10
HAS_ORIGIN: Final = 0x80
HAS_RIGHT_ORIGIN: Final = 0x40
HAS_PARENT_SUB: Final = 0x20
HAS_ANY_ORIGIN: Final = HAS_ORIGIN | HAS_RIGHT_ORIGIN
CONTENT_BITS: Final = 0x1F

DELETED: Final = 1
JSON: Final = 2
BINARY: Final = 3
STRING: Final = 4
EMBED: Final = 5
FORMAT: Final = 6
TYPE: Final = 7
ANY: Final = 8
DOC: Final = 9

LOW_BITS: Final = 0xFFFF  # of client ids, which replicas use as hashes of themselves

XML_ELEMENT: Final = 3
XML_HOOK: Final = 5
XML_TEXT: Final = 6

# lib0's "any" values, by their first byte.
ANY_BUFFER: Final = 116
ANY_ARRAY: Final = 117
ANY_MAP: Final = 118
ANY_STRING: Final = 119
ANY_TRUE: Final = 120
ANY_FALSE: Final = 121
ANY_BIGINT: Final = 122
ANY_FLOAT64: Final = 123
ANY_FLOAT32: Final = 124
ANY_INT: Final = 125
ANY_UNDEFINED: Final = 127
