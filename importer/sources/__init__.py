"""Readers: CSV, workbooks, STIX, MISP, JSON and YAML lists -> tables of text cells with their origin."""
