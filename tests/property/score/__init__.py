"""The score's shape and seed under whatever documents and edits there may be."""
