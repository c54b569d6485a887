"""Reading and writing MusicXML."""
