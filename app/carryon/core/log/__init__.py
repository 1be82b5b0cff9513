"""From a keystroke into the log and back: journal, folding, receiving, documents, what is derived."""
