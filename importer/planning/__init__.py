"""Drafts against what the account holds: identity, collisions, differences, safety limits, the plan file."""
