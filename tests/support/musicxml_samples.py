"""Small MusicXML scores, one for each thing that files have and that readers trip over."""

from __future__ import annotations

from typing import Final

from tests.support.musicxml_markup import (
    ATTRIBUTES,
    backup,
    chord,
    direction,
    first,
    forward,
    lyric,
    measure,
    notations,
    note,
    score,
    triplet,
)

_FOUR: Final = "".join(note(pitch) for pitch in ("C4", "D4", "E4", "F4"))
_GROUP: Final = (
    '<part-group number="1" type="start"><group-symbol>brace</group-symbol></part-group>'
    '<score-part id="P1"><part-name></part-name></score-part>'
    '<part-group number="1" type="stop"/>'
)

SAMPLES: Final[dict[str, bytes]] = {
    "pitches": score(first("".join(note(pitch) for pitch in ("C4", "F#5", "Eb3", "B0")))),
    "microtones": score(
        first(
            "<note><pitch><step>A</step><alter>0.5</alter><octave>4</octave></pitch>"
            "<duration>16</duration><voice>1</voice><type>whole</type>"
            "<accidental>quarter-sharp</accidental></note>"
        )
    ),
    "rests": score(
        first(
            note("R")
            + "<note><rest><display-step>B</display-step><display-octave>4</display-octave>"
            "</rest><duration>4</duration><voice>1</voice></note>" + note("R", 8, "half")
        ),
        measure('<note><rest measure="yes"/><duration>16</duration><voice>1</voice></note>', "2"),
    ),
    "multi rests": score(
        first(
            "<attributes><measure-style><multiple-rest>2</multiple-rest></measure-style>"
            "</attributes>" + note("R", 16, "whole")
        ),
        measure(note("R", 16, "whole"), "2"),
    ),
    "chords": score(first(chord("C4", "E4", "G4") + chord("F#4", "A4") + note("R", 8, "half"))),
    "chord of unequal lengths": score(
        first(note("C4", 8, "half") + note("E4", 4, before="<chord/>") + note("R", 8, "half"))
    ),
    "dots": score(first(note("C4", 6, after="<dot/>") + note("D4", 10, "half", after="<dot/>"))),
    "short values": score(
        first(note("C4", 1, "1024th") + note("D4", 2, "512th") + note("E4", 1021, "quarter"), 256)
    ),
    "nested tuplets": score(
        first(
            "".join(
                note(
                    "C4",
                    2,
                    "eighth",
                    after=triplet(3, 2),
                    behind=notations(
                        '<tuplet type="start" number="1"/>'
                        if index == 0
                        else '<tuplet type="stop" number="1"/>'
                    )
                    if index in {0, 4}
                    else "",
                )
                if index in {0, 4}
                else note(
                    "D4",
                    1,
                    "16th",
                    after=triplet(15, 8),
                    behind=notations(
                        f'<tuplet type="{"start" if index == 1 else "stop"}" number="2"/>'
                    )
                    if index in {1, 3}
                    else "",
                )
                for index in range(5)
            ),
            6,
        )
    ),
    "grace notes": score(
        first(
            note("D5", None, "eighth", before='<grace slash="yes"/>')
            + note("E5", None, "16th", before="<grace/>")
            + note("G5", None, "16th", before="<grace/><chord/>")
            + note("C5", behind=notations('<slur type="stop"/>'))
            + note("B4", None, "16th", before='<grace steal-time-previous="20"/>')
        )
    ),
    "ties and slurs": score(
        first(
            note(
                "C4",
                16,
                "whole",
                behind=notations('<tied type="start"/><slur type="start" number="1"/>'),
            ).replace("<voice>", '<tie type="start"/><voice>')
        ),
        measure(
            note(
                "C4",
                16,
                "whole",
                behind=notations('<tied type="stop"/><slur type="stop" number="1"/>'),
            ).replace("<voice>", '<tie type="stop"/><voice>'),
            "2",
        ),
    ),
    "slur that stops before it starts": score(
        first(
            forward(8)
            + note("C5", 8, "half", behind=notations('<slur type="stop" number="1"/>'))
            + backup(16)
            + note("C4", 4, voice="2", behind=notations('<slur type="start" number="1"/>'))
        )
    ),
    "lyrics with elisions": score(
        first(
            note(
                behind=lyric(
                    "1",
                    "<syllabic>begin</syllabic><text>ki</text><elision>\u203f</elision>"
                    "<syllabic>middle</syllabic><text>o</text><elision/><text>a</text>",
                )
                + lyric("2", "<text>Ä ö</text><extend/>")
                + '<lyric name="chorus"><syllabic>single</syllabic><text> x </text></lyric>'
            )
            + note(behind=lyric("1", '<extend type="stop"/>') + lyric("x|y", "<text>a</text>"))
            + note(behind=lyric("1", "<humming/>") + lyric("2", "<text/>"))
        )
    ),
    "percussion": score(
        first(
            "<attributes><clef><sign>percussion</sign></clef></attributes>"
            "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave>"
            '</unpitched><duration>4</duration><instrument id="P1-X"/><voice>1</voice>'
            '<type>quarter</type><notehead filled="yes">x</notehead></note>'
            "<note><unpitched/><duration>4</duration><voice>1</voice></note>"
        ),
        part_list='<score-part id="P1"><part-name>Drums</part-name>'
        '<score-instrument id="P1-X"><instrument-name>Snare</instrument-name>'
        "</score-instrument></score-part>",
    ),
    "cue notes": score(first(note("C4", before="<cue/>") + _FOUR[: 3 * len(note("C4"))])),
    "cross-staff": score(
        first(
            "<attributes><staves>2</staves>"
            '<clef number="1"><sign>G</sign><line>2</line></clef>'
            '<clef number="2"><sign>F</sign><line>4</line></clef></attributes>'
            + note("C3", 2, "eighth", behind='<staff>2</staff><beam number="1">begin</beam>')
            + note("C5", 2, "eighth", behind='<staff>1</staff><beam number="1">end</beam>')
            + backup(4)
            + note("C2", 16, "whole", voice="5", behind="<staff>2</staff>")
        )
    ),
    "moves in odd places": score(
        first(
            backup(8)
            + note("C4")
            + forward(4)
            + "<forward/>"
            + "<backup><duration>2.0</duration></backup>"
            + note("E4", 2, "eighth", voice="2")
            + backup(400)
            + note("G4", voice="3")
            + forward(12)
        )
    ),
    "voices with names": score(
        first(note("C4", 16, "whole", voice="top") + backup(16) + note("E4", voice=""))
    ),
    "odd keys": score(
        first(
            "<attributes><key><key-step>F</key-step><key-alter>1</key-alter>"
            "<key-step>B</key-step><key-alter>-0.5</key-alter></key></attributes>" + _FOUR
        ),
        measure(
            '<attributes><key print-object="no"><cancel>2</cancel><fifths>-3</fifths>'
            '<mode>dorian</mode></key><key number="2"><fifths>1</fifths></key></attributes>'
            + _FOUR,
            "2",
        ),
    ),
    "times": score(
        first(
            '<attributes><time symbol="common"><beats>4</beats><beat-type>4</beat-type></time>'
            "</attributes>" + _FOUR
        ),
        measure(
            "<attributes><time><beats>3+2</beats><beat-type>8</beat-type></time></attributes>"
            + note("C4", 10, "half"),
            "2",
        ),
        measure(
            "<attributes><time><beats>2</beats><beat-type>4</beat-type><beats>3</beats>"
            "<beat-type>8</beat-type></time></attributes>" + note("C4", 14, "half"),
            "3",
        ),
        measure(
            "<attributes><time><senza-misura/></time></attributes>" + note("C4", 40, "breve"), "4"
        ),
    ),
    "divisions within a measure": score(
        first(
            note("C4", 4)
            + "<attributes><divisions>6</divisions></attributes>"
            + note("D4", 6)
            + note("E4", 2, "eighth", after=triplet(3, 2))
            + "<attributes><divisions>480</divisions></attributes>"
            + note("F4", 320)
        ),
        measure(note("C4", 1920, "whole"), "2"),
    ),
    "figured bass": score(
        first(
            "<figured-bass><figure><figure-number>6</figure-number></figure>"
            "<duration>4</duration></figured-bass>" + _FOUR
        )
    ),
    "harmony": score(
        first(
            "<harmony><root><root-step>F</root-step><root-alter>1</root-alter></root>"
            '<kind text="m7">minor-seventh</kind><bass><bass-step>A</bass-step></bass>'
            "<degree><degree-value>9</degree-value><degree-alter>1</degree-alter>"
            "<degree-type>add</degree-type></degree></harmony>"
            + note("C4")
            + "<harmony><root><root-step>C</root-step></root><kind>major</kind>"
            "<offset>2</offset></harmony>" + _FOUR[: 3 * len(note("C4"))]
        )
    ),
    "part groups and empty names": score(first(_FOUR), part_list=_GROUP),
    "credits and defaults": score(
        first('<print new-page="yes"><system-layout/></print>' + _FOUR),
        measure('<print new-system="yes"/>' + _FOUR, "2"),
        head="<work><work-number>op. 1</work-number><work-title>Ein Stück</work-title></work>"
        "<movement-title>Largo</movement-title>"
        '<identification><creator type="composer">N. N.</creator><creator type="poet">Ö</creator>'
        "<rights>© 1700</rights><encoding><software>x</software></encoding></identification>"
        "<defaults><scaling><millimeters>7</millimeters><tenths>40</tenths></scaling></defaults>"
        '<credit page="1"><credit-words default-x="1" xml:space="preserve">  a  </credit-words>'
        "</credit>",
    ),
    "directions": score(
        first(
            direction("<dynamics><p/></dynamics>", attributes=' placement="below"')
            + direction("<words>dolce </words><words>assai</words>")
            + "<direction><direction-type><rehearsal>A</rehearsal></direction-type>"
            "<direction-type><segno/></direction-type><staff>1</staff></direction>"
            + note("C4")
            + direction('<wedge type="crescendo" number="1" spread="0"/>', "<offset>-2</offset>")
            + note("D4")
            + direction('<wedge type="stop" number="1"/>')
            + direction('<octave-shift type="down" size="8"/>')
            + note("E4")
            + direction('<octave-shift type="stop" size="8"/>')
            + direction('<pedal type="start" line="yes"/>')
            + note("F4")
            + direction('<pedal type="stop" line="yes"/>')
            + direction("<dynamics><other-dynamics>sffff</other-dynamics></dynamics>")
        )
    ),
    "tempo": score(
        first(
            direction(
                "<metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
                "<per-minute>66</per-minute></metronome>",
                '<sound tempo="99"/>',
            )
            + '<sound dynamics="80"/>'
            + _FOUR
            + direction(
                "<metronome><beat-unit>eighth</beat-unit><beat-unit>quarter</beat-unit></metronome>"
            )
        )
    ),
    "repeats and endings": score(
        first('<barline location="left"><repeat direction="forward"/></barline>' + _FOUR),
        measure(
            '<barline location="left"><ending number="1" type="start"/></barline>'
            + _FOUR
            + '<barline location="right"><bar-style>light-heavy</bar-style>'
            '<ending number="1" type="stop"/><repeat direction="backward" times="3"/></barline>',
            "2",
        ),
        measure(
            '<barline location="left"><ending number="2" type="start"/></barline>'
            + _FOUR
            + "<barline><bar-style>light-light</bar-style><coda/>"
            '<ending number="2" type="discontinue"/></barline>',
            "3",
        ),
    ),
    "tablature": score(
        first(
            "<attributes><clef><sign>TAB</sign><line>5</line></clef><staff-details>"
            '<staff-lines>6</staff-lines><staff-tuning line="1"><tuning-step>E</tuning-step>'
            "<tuning-octave>2</tuning-octave></staff-tuning></staff-details></attributes>"
            + note(
                "E2",
                16,
                "whole",
                behind=notations("<technical><string>6</string><fret>0</fret></technical>"),
            )
        )
    ),
    "transposing": score(
        first(
            "<attributes><transpose><diatonic>-1</diatonic><chromatic>-2</chromatic>"
            "<octave-change>-1</octave-change></transpose></attributes>" + _FOUR
        )
    ),
    "odd measure numbers": score(
        first(note("C4")).replace('number="1"', 'number="X1" implicit="yes"', 1),
        measure(_FOUR, "", ' width="200.5" non-controlling="no"'),
        measure("", "7a"),
    ),
    "articulations": score(
        first(
            note(
                behind=notations(
                    '<articulations><staccato placement="above"/><accent/></articulations>'
                    '<fermata type="inverted"/><ornaments><trill-mark/></ornaments>'
                )
                + notations("<dynamics><sfz/></dynamics>"),
                attributes=' default-x="80.5" dynamics="72" color="#FF0000"',
            ).replace("<type>", '<type size="full">')
            + _FOUR[: 3 * len(note("C4"))]
        )
    ),
    "stems and beams": score(
        first(
            note(
                "C4",
                2,
                "eighth",
                after='<stem default-y="3">up</stem>',
                behind='<beam number="1">begin</beam>',
            )
            + note("C4", 2, "eighth", after="<stem>up</stem>", behind='<beam number="1">end</beam>')
            + note("D4", 12, "half", after="<dot/>")
        )
    ),
    "ids": score(
        first(
            note("C4", attributes=' id="n"')
            + note("D4", attributes=' id="p1m1n3"')
            + note("E4")
            + note("F4", attributes=' id="n"')
        )
    ),
    "empty elements": score(
        first(
            "<note><pitch/><duration/><voice/><type/></note><direction/><harmony/>"
            "<attributes/><barline/><note/><backup/><print/><sound/><notations/>"
        ),
        measure("<attributes><key/><time/><clef/><divisions/><transpose/></attributes>", "2"),
    ),
    "comments and instructions": (
        score(
            first("<!-- in --><?layout a b?>" + _FOUR),
            "<!--=== Measure 2 ===-->",
            measure(_FOUR.replace("<voice>", "<!-- v --><voice>", 1), "2"),
            "<!-- end -->",
        ).replace(b'<part id="P1">', b'<!-- part --><?p q?><part id="P1">')
        + b"<!-- after -->"
    ),
    "foreign namespaces": score(
        first('<link xlink:href="a.xml" xlink:type="simple"/>' + _FOUR),
        measure('<x:thing xmlns:x="urn:x" x:y="1"><x:z/></x:thing>' + _FOUR, "2"),
        root=' xmlns:xlink="http://www.w3.org/1999/xlink"',
    ),
    "an old version": score(first(_FOUR), version="1.0"),
    "no measures": score(),
    "a part that is not listed": score(first(_FOUR)).replace(
        b'id="P1"><part-name', b'id="P9"><part-name'
    ),
    "two parts of one id": score(first(_FOUR)).replace(
        b"</score-partwise>", f'<part id="P1">{first(_FOUR)}</part></score-partwise>'.encode()
    ),
}

TWO_PARTS: Final = (
    '<score-part id="P1"><part-name>Flute</part-name></score-part>'
    '<score-part id="P2"><part-name>Horn</part-name></score-part>'
)

SAMPLES["two parts of different length"] = score(
    first(_FOUR), measure(_FOUR, "2"), measure(_FOUR, "3"), part_list=TWO_PARTS
).replace(b"</score-partwise>", f'<part id="P2">{first(_FOUR)}</part></score-partwise>'.encode())
SAMPLES["timewise"] = (
    '<score-timewise version="4.0"><part-list>' + TWO_PARTS + "</part-list>"
    '<measure number="1" width="120"><part id="P1">'
    + ATTRIBUTES.format(divisions=4)
    + _FOUR
    + '</part><part id="P2">'
    + ATTRIBUTES.format(divisions=4)
    + _FOUR
    + '</part></measure><measure number="2"><part id="P1">'
    + _FOUR
    + '</part><part id="P2">'
    + _FOUR
    + "</part></measure></score-timewise>"
).encode()
SAMPLES["timewise with parts that leave measures out"] = (
    '<score-timewise version="4.0"><part-list>' + TWO_PARTS + "</part-list>"
    '<!--====--><measure number="1"><!-- horn first --><part id="P2">'
    + ATTRIBUTES.format(divisions=4)
    + _FOUR
    + '</part><part id="P1">'
    + ATTRIBUTES.format(divisions=4)
    + _FOUR
    + '</part></measure><!--====--><measure number="2"><part id="P1">'
    + _FOUR
    + '</part></measure><!--====--><measure number="3" width="80"><part id="P1">'
    + _FOUR
    + '</part><part id="P2">'
    + note("G3", 16, "whole")
    + "</part><!-- end --></measure></score-timewise>"
).encode()
