"""The tag's fields as data, and what their values mean: vocabularies, countries, dates, names."""
