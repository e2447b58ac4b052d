"""Do the operator's work on a whole relay: back up, restore, import, examine, install."""
