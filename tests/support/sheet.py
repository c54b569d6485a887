"""Small scores for conversions, as MusicXML texts."""

from __future__ import annotations

STEPS = "CDEFGAB"


def score(measures: int = 4, *, repeats: bool = False, tempo: int = 120, title: str = "") -> str:
    """A score of one part: in measure n a whole note called ``n<n>``, up the scale of C."""
    inner = []
    for number in range(1, measures + 1):
        step, octave = STEPS[(number - 1) % 7], 4 + (number - 1) // 7 % 3
        inner.append(
            f'<measure number="{number}">'
            + (
                '<barline location="left"><repeat direction="forward"/></barline>'
                if repeats
                else ""
            )
            + (_FIRST.format(tempo=tempo) if number == 1 else "")
            + f'<note id="n{number}"><pitch><step>{step}</step><octave>{octave}</octave></pitch>'
            "<duration>4</duration><voice>1</voice><type>whole</type></note>"
            + (
                '<barline location="right"><repeat direction="backward"/></barline>'
                if repeats
                else ""
            )
            + "</measure>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><score-partwise version="4.0">'
        f"<work><work-title>{title}</work-title></work>"
        '<part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>'
        f'<part id="P1">{"".join(inner)}</part></score-partwise>'
    )


_FIRST = (
    "<attributes><divisions>1</divisions><key><fifths>0</fifths></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time>"
    "<clef><sign>G</sign><line>2</line></clef></attributes>"
    '<direction><direction-type><words>so</words></direction-type><sound tempo="{tempo}"/>'
    "</direction>"
)
