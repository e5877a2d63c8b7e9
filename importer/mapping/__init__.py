"""Mapping files: which columns feed which tag field, through which transforms; rows -> drafts."""
