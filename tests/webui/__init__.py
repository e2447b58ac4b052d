"""The web UI as a package: built, packed, served, light enough, readable for every eye."""
