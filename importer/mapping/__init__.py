"""Mappings: YAML that says which columns feed which tag field; rows in, Drafts out."""
