"""What keys, clefs, metres and tempi hold where, with measures deleted in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from collab.score.model import Measure, Setting, read_score
from collab.score.schema import EVERY_PART

_START: Final = Fraction(0)


class Settings:
    """Walks through the measures, the deleted ones too, and knows what holds at each.

    What was set in a deleted measure holds on from the next measure that is there, so that
    deleting the first measure of a score does not take its clefs away. Its barlines go with it.
    """

    def __init__(self) -> None:
        # By kind, part and scope: of those, what covers a scope takes all below it.
        self._pending: dict[str, dict[str, dict[str, Setting]]] = {}
        self._lengths: dict[str, tuple[int, Fraction | None]] = {}
        self._measures_entered = 0
        self._waiting: list[Setting] = []
        self.lost: list[str] = []
        """Keys that had no effect, because their measure is deleted."""

    def enter(self, measure: Measure, settings: Iterable[Setting]) -> tuple[str, ...]:
        """Go on to the next measure.

        Args:
            measure: the next in the score's order.
            settings: what ``attr`` has there, in any order.

        Returns:
            The keys that take effect here, in order; none in a deleted measure.
        """
        here = sorted(settings, key=_within_measure)
        self._change_metre(here)
        if measure.is_deleted:
            for setting in here:
                if setting.at is None or setting.kind == "barline":
                    self.lost.append(setting.key)
                else:
                    self._supersede(setting)
                    scopes = self._pending.setdefault(setting.kind, {})
                    scopes.setdefault(setting.part, {})[setting.scope] = setting
            return ()
        for setting in here:
            if setting.at == _START:
                self._supersede(setting)
        carried = {setting.key: setting for setting in self._take_pending()}
        return tuple(
            setting.key
            for setting in sorted(
                [*carried.values(), *here],
                key=lambda setting: (
                    setting.kind,
                    setting.scope,
                    setting.key not in carried,
                    _within_measure(setting),
                ),
            )
        )

    def finish(self) -> Sequence[str]:
        """Name the keys that take effect nowhere, after the last measure."""
        return [*self.lost, *self.pending()]

    def pending(self) -> Sequence[str]:
        """Name the keys that would hold on in a measure after the last one."""
        return [setting.key for setting in self._take_pending()]

    def length(self, measure: Measure, part: str) -> Fraction | None:
        """How many quarter notes the entered measure has for a part, or for all (``*``)."""
        return self.metre(part) if measure.length is None else measure.length

    def metre(self, part: str) -> Fraction | None:
        """How many quarter notes the metre of the entered measure has, for a part or for all."""
        everyone, own = self._lengths.get(EVERY_PART), self._lengths.get(part)
        if everyone is None or own is None:
            latest = everyone or own
            return None if latest is None else latest[1]
        return own[1] if own[0] >= everyone[0] else everyone[1]

    def _change_metre(self, here: Sequence[Setting]) -> None:
        """A time signature holds from the measure on that begins with or after it."""
        self._measures_entered += 1
        starting = [setting for setting in here if setting.at == _START]
        for number, settings in ((2, self._waiting), (3, starting)):
            for setting in settings:
                if setting.kind == "time" and setting.scope == setting.part:
                    since = 2 * self._measures_entered + number
                    self._lengths[setting.part] = (since, setting.length)
        self._waiting = [setting for setting in here if setting.at != _START]

    def _supersede(self, setting: Setting) -> None:
        """Drop what waits to hold on in the setting's scope, or in a part of it."""
        parts = self._pending.get(setting.kind, {})
        if setting.scope == EVERY_PART:
            dropped = self._pending.pop(setting.kind, {})
        elif setting.scope == setting.part:
            dropped = {setting.part: parts.pop(setting.part, {})}
        else:
            pending = parts.get(setting.part, {}).pop(setting.scope, None)
            dropped = {setting.part: {setting.scope: pending} if pending else {}}
        self.lost += [old.key for scopes in dropped.values() for old in scopes.values()]

    def _take_pending(self) -> list[Setting]:
        pending, self._pending = self._pending, {}
        return [
            setting
            for parts in pending.values()
            for scopes in parts.values()
            for setting in scopes.values()
        ]


def lengths_of(facets: Mapping[str, object], part: str) -> Mapping[str, Fraction | None]:
    """Say how long each measure is for a part, or for all: by itself or by its metre."""
    score = read_score({name: facets.get(name, {}) for name in ("measures", "attr")})
    settings, set_in = Settings(), by_measure(score.settings.values())
    found: dict[str, Fraction | None] = {}
    for measure in score.measures.values():
        settings.enter(measure, set_in.get(measure.id, ()))
        found[measure.id] = settings.length(measure, part)
    return found


def by_measure(settings: Iterable[Setting]) -> Mapping[str, Sequence[Setting]]:
    """Sort settings into the measures that they name."""
    found: dict[str, list[Setting]] = {}
    for setting in settings:
        found.setdefault(setting.measure, []).append(setting)
    return found


def _within_measure(setting: Setting) -> tuple[bool, Fraction, str]:
    return (setting.at is not None, setting.at or _START, setting.key)
