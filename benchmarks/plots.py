"""Plots in SVG, written by hand: legible on light and on dark pages, without any script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from benchmarks.results import Results

_WIDTH: Final = 860
_LEFT: Final = 190
_RIGHT: Final = 80
_TOP: Final = 46
_BAR: Final = 14
_ROW: Final = 24
_TITLE: Final = 30
_PANELS: Final = ("big-room", "many-rooms", "wide-room")
_COLOURS: Final = {
    "bandpro": "#e4572e",
    "bandpro-hocuspocus": "#f08a5d",
    "bandpro-memory": "#f3b391",
    "bandpro-plain": "#f7cdb5",
    "hocuspocus": "#4c78a8",
    "y-websocket-server": "#54a24b",
    "pycrdt-websocket": "#b279a2",
    "y-sweet": "#c9a227",
    "relay": "#8a8f98",
}
_STYLE: Final = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#3d444d}"
    ".head{font-weight:600;font-size:14px}.note{fill:#6e7781;font-size:11px}"
    ".grid{stroke:#8a8f98;stroke-opacity:.28}.bound{stroke:#cf222e;stroke-dasharray:5 4}"
    "@media(prefers-color-scheme:dark){text{fill:#d1d7e0}.note{fill:#9198a1}}"
)


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to pixels, linear or logarithmic."""

    low: float
    high: float
    begin: float
    end: float
    is_log: bool

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, max(value, self.low)
        if self.is_log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        return self.begin + (self.end - self.begin) * (at - low) / (high - low)


def latency_plot(results: Results) -> str:
    """Bars from 0 to p50 and thin ones on to p99, for each system and load; logarithmic."""
    loads = [load for load in _PANELS if load in results.data["runs"]]
    values = [
        spread.median
        for load in loads
        for system in results.systems
        for figure in ("edit.p50_ms", "edit.p99_ms")
        if (spread := results.spread(load, system, figure)) is not None
    ]
    low, high = _decades(values)
    scale = _Scale(low, high, _LEFT, _WIDTH - _RIGHT, is_log=True)
    parts, at = [], float(_TOP)
    for load in loads:
        rows = [name for name in results.systems if results.runs(load, name)]
        parts += _panel_head(results, load, at)
        parts += _grid_across(scale, _powers(low, high), at + 8, at + 12 + _ROW * len(rows), "ms")
        at += 12
        for name in rows:
            p50 = results.spread(load, name, "edit.p50_ms")
            p99 = results.spread(load, name, "edit.p99_ms")
            assert p50 is not None
            assert p99 is not None
            parts.append(_label(results.title(name), at))
            parts.append(_bar(_LEFT, scale(p50.median), at + 3, _BAR, _colour(name)))
            parts.append(_bar(_LEFT, scale(p99.median), at + 3, _BAR, _colour(name), 0.38))
            text = f"{p50.median:.2f} / {p99.median:.1f}"
            parts.append(_text(scale(p99.median) + 6, at + 14, text))
            at += _ROW
        at += _TITLE + 26
    head = "From writing to everybody's screen: p50 (solid) and p99 (pale), ms, logarithmic"
    return _document(head, parts, at - 16)


def cost_plot(results: Results) -> str:
    """Processor time of the server for a delivery, with ranges, for each system and load."""
    parts, at = [], float(_TOP)
    for load in (load for load in _PANELS if load in results.data["runs"]):
        spreads = {
            name: spread
            for name in results.systems
            if (spread := results.spread(load, name, "server_cpu_us")) is not None
        }
        high = max(spread.highest for spread in spreads.values()) * 1.05
        scale = _Scale(0.0, high, _LEFT, _WIDTH - _RIGHT, is_log=False)
        parts += _panel_head(results, load, at)
        ticks = [high * part / 4 for part in range(5)]
        bottom = at + 12 + _ROW * len(spreads)
        parts += _grid_across(scale, ticks, at + 8, bottom, "us")
        at += 12
        for name, spread in spreads.items():
            middle = at + 3 + _BAR / 2
            parts.append(_label(results.title(name), at))
            parts.append(_bar(_LEFT, scale(spread.median), at + 3, _BAR, _colour(name)))
            parts.append(
                f'<path d="M{scale(spread.lowest):.1f} {middle:.1f}'
                f'H{scale(spread.highest):.1f}" stroke="#6e7781" stroke-width="2"/>'
            )
            parts.append(_text(scale(spread.highest) + 6, at + 14, f"{spread.median:.1f}"))
            at += _ROW
        at += _TITLE + 26
    head = "Processor time of the server for a delivery, us: median, and the range as a line"
    return _document(head, parts, at - 16)


def saturation_plot(results: Results) -> str:
    """p99 under a rising rate, a line for each system; both axes logarithmic."""
    lines = {name: _climbed(results, name) for name in results.data["ladders"]}
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    offered = [x for points in lines.values() for x, _ in points]
    lags = [y for points in lines.values() for _, y in points]
    low, high = _decades([*lags, 100.0])
    bottom = 420.0
    across = _Scale(min(offered) * 0.85, max(offered) * 1.15, 70, _WIDTH - 250, is_log=True)
    upward = _Scale(low, high, bottom, _TOP + 10, is_log=True)
    parts = [
        f'<path class="grid" d="M70 {upward(y):.1f}H{_WIDTH - 250}"/>'
        + _text(62, upward(y) + 4, _short(y), "end", "note")
        for y in _powers(low, high)
    ]
    for x in sorted(set(offered)):
        parts.append(f'<path class="grid" d="M{across(x):.1f} {bottom}V{_TOP + 10}"/>')
        parts.append(_text(across(x), bottom + 18, f"{x / 1000:,.0f}k", "middle", "note"))
    parts.append(f'<path class="bound" d="M70 {upward(100):.1f}H{_WIDTH - 250}"/>')
    parts.append(_text(_WIDTH - 246, upward(100) + 4, "100 ms", css="note"))
    for number, (name, points) in enumerate(lines.items()):
        drawn = " ".join(f"{across(x):.1f},{upward(y):.1f}" for x, y in points)
        colour = _colour(name)
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
        parts += [
            f'<circle cx="{across(x):.1f}" cy="{upward(y):.1f}" r="3.5" fill="{colour}"/>'
            for x, y in points
        ]
        at = _TOP + 34 + number * 22
        parts.append(_bar(_WIDTH - 192, _WIDTH - 180, at, 12, colour))
        parts.append(_text(_WIDTH - 174, at + 10, results.title(name), css="note"))
    parts.append(_text((70 + _WIDTH - 250) / 2, bottom + 40, "deliveries/s offered", "middle"))
    head = "Room of 50 under a rising rate: p99 from writer to screen, ms; ends where it broke"
    return _document(head, parts, bottom + 54)


def _climbed(results: Results, name: str) -> list[tuple[float, float]]:
    """Offered rate and median p99 over the repeats, as far as any was taken."""
    found: dict[float, list[float]] = {}
    for ladder in results.data["ladders"][name]:
        for step in ladder["steps"]:
            if step["run"] and step["run"]["edit"]["samples"]:
                found.setdefault(step["offered_per_s"], []).append(step["run"]["edit"]["p99_ms"])
    return [(x, sorted(ys)[(len(ys) - 1) // 2]) for x, ys in sorted(found.items())]


# Parts ----------------------------------------------------------------------------------------


def _document(head: str, parts: Iterable[str], height: float) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}"'
        f' role="img" aria-label="{escape(head)}">\n<style>{_STYLE}</style>\n'
        f'<text class="head" x="8" y="20">{escape(head)}</text>\n{body}\n</svg>\n'
    )


def _panel_head(results: Results, load: str, at: float) -> list[str]:
    return [_text(8, at + 2, results.data["loads"][load]["title"], css="head")]


def _grid_across(
    scale: _Scale, ticks: Iterable[float], top: float, bottom: float, unit: str
) -> list[str]:
    parts = []
    for tick in ticks:
        x = scale(tick)
        parts.append(f'<path class="grid" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>')
        parts.append(_text(x, bottom + 13, f"{_short(tick)} {unit}", "middle", "note"))
    return parts


def _bar(begin: float, end: float, at: float, height: float, colour: str, alpha: float = 1) -> str:
    return (
        f'<rect x="{begin:.1f}" y="{at:.1f}" width="{max(end - begin, 1):.1f}"'
        f' height="{height}" rx="2" fill="{colour}" fill-opacity="{alpha}"/>'
    )


def _label(text: str, at: float) -> str:
    return _text(_LEFT - 8, at + 14, text, "end")


def _text(x: float, y: float, text: str, anchor: str = "start", css: str = "") -> str:
    kind = f' class="{css}"' if css else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2g}"


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around all values."""
    positive = [value for value in values if value > 0] or [1.0]
    low = math.floor(math.log10(min(positive)))
    high = math.ceil(math.log10(max(positive)))
    return 10.0**low, 10.0 ** max(high, low + 1)


def _powers(low: float, high: float) -> list[float]:
    first, last = round(math.log10(low)), round(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def _colour(name: str) -> str:
    return _COLOURS.get(name, "#8a8f98")
