"""tag-importer: bulk creation of Cloudforce One threat-actor tags from analysts' lists.

plan = importer.plan("actors.csv", importer.Account.sandbox())
plan.frame                     # what would be done, a row for each row of the list
importer.apply(plan).frame     # what has become of each
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importer import errors
    from importer.api import (
        Account,
        Drafts,
        Plan,
        Result,
        apply,
        apply_async,
        draft,
        draft_async,
        plan,
        plan_async,
        read_actors,
        read_actors_async,
        resume,
        resume_async,
        undo,
        undo_async,
    )  # fmt: skip

__version__ = "0.1.0"
__all__ = [
    "Account", "Drafts", "Plan", "Result", "__version__", "apply", "apply_async", "draft", "draft_async", "errors",
    "plan", "plan_async", "read_actors", "read_actors_async", "resume", "resume_async", "undo", "undo_async",
]  # fmt: skip


def __getattr__(name: str) -> object:
    # Loaded when it is first used: the command line's `--help` imports this package too.
    if name in __all__:
        from importlib import import_module

        return import_module("importer.errors") if name == "errors" else getattr(import_module("importer.api"), name)
    raise AttributeError(f"module 'importer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
