"""Two examples for each command's `--help`, the man page and the tests, which read each of them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, str]] = {
    "": ("validate actors.xlsx", "apply actors.xlsx --sandbox"),
    "validate": ("validate actors.csv", "validate actors.xlsx --annotate mended.xlsx"),
    "plan": ("plan actors.csv --sandbox", "plan nightly.yaml --out plan --detailed-exitcode"),
    "apply": ("apply actors.csv --mode upsert", "apply jobs/ --out tonight --yes"),
    "resume": ("resume 20260504T0302", "resume my-run --max-wait '1 h'"),
    "undo": ("undo my-run --dry-run", "undo my-run --yes"),
    "report": ("report 20260504T0302", "report my-run --format markdown"),
    "runs": ("runs", "runs prune --keep 10"),
    "mapping": ("mapping init actors.csv --out mine.yaml", "mapping show attack"),
    "mapping init": ("mapping init actors.csv --out mine.yaml", "mapping init actors.xlsx --map value=Codename"),
    "mapping list": ("mapping list", "mapping list --format json"),
    "mapping show": ("mapping show spreadsheet", "mapping show mine.yaml"),
    "mapping transforms": ("mapping transforms", "mapping transforms --format json"),
    "mapping schema": ("mapping schema", "mapping schema > mapping.schema.json"),
    "fields": ("fields --current", "fields --format json"),
    "categories": ("categories list", "categories export --out categories.yaml"),
    "categories list": ("categories list", "categories list --sandbox --format json"),
    "categories show": ("categories show Actors", "categories show Actors --format json"),
    "categories export": ("categories export --out categories.yaml", "categories export Actors"),
    "categories apply": ("categories apply categories.yaml --dry-run", "categories apply categories.yaml --yes"),
    "template": ("template actors.xlsx", "template actors.xlsx --mapping mine.yaml"),
    "export": ("export backup.xlsx", "export actors.csv --category Actors"),
    "duplicates": ("duplicates", "duplicates --format json"),
    "review": ("review one.csv two.csv", "review my-run --page"),
    "explain": ("explain unknown-country", "explain"),
    "doctor": ("doctor", "doctor --format json"),
    "completion": ("completion bash > ~/.local/share/bash-completion/completions/tag-importer",
                   "completion fish > ~/.config/fish/completions/tag-importer.fish"),
    "sandbox": ("sandbox --fault lossy --quota 100", "sandbox reset"),
}  # fmt: skip
"""Command, with its action -> two command lines behind `tag-importer`."""
