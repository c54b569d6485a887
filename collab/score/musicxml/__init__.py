"""MusicXML in and out, without loss: ``read_musicxml`` and ``write_musicxml``.

::

    bytes --source--> tree --reading--> facets, and the markup itself as pieces in ``raw``
    facets --digests--> which cells were edited since --writing--> tree --> bytes

What the schema models is read into facets. The markup that it was read from is kept beside them,
cell by cell (a *cell* is one measure of one part). A cell whose facets are still what they were
goes out as it came. In an edited cell what differs is changed in the kept markup, so that
everything the schema does not model stays where it was.
"""

from collab.score.musicxml.reading import Imported, read_musicxml
from collab.score.musicxml.writing import Exported, export_musicxml, write_musicxml

__all__ = ["Exported", "Imported", "export_musicxml", "read_musicxml", "write_musicxml"]
