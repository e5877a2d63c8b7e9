"""Transforms: plain functions from a cell's text to a value, none of which raises on any text."""

from importer.mapping.transforms.catalogue import Transform, catalogue, step_names, transform_named

__all__ = ["Transform", "catalogue", "step_names", "transform_named"]
