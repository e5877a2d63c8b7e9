"""The command line's grammar. Flags that are not given are absent from the namespace: a job file's settings count.

Nothing heavy is imported here: `--help` answers as fast as argparse does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from importer import __version__
from importer.cli.examples import EXAMPLES
from importer.reports import FORMATS, OF_ISSUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

EPILOG = """\
SOURCE is a file, a glob, a folder, - for standard input, or an https URL; JOB is a job file (YAML).
The account comes from CLOUDFLARE_ACCOUNT_ID, the token from CLOUDFLARE_API_TOKEN (or the file that
CLOUDFLARE_API_TOKEN_FILE names), the endpoint from CLOUDFLARE_BASE_URL. --sandbox needs none of them.

exit codes: 0 all as asked · 1 some rows need work · 2 usage, job or mapping · 3 unreadable source
            4 token refused · 5 safety limit · 6 stopped early, resumable · 7 locked
            10 changes pending (plan --detailed-exitcode)
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """One width everywhere, so that the help in the README is the help on any terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=16, width=100)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, instead of thirty lines of usage before it."""

    flags: tuple[str, ...] = ()
    """Those of the command that was given."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:  # one answer of its own to what is left over
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            from difflib import get_close_matches

            from importer.errors import UsageError

            flag = next((word.partition("=")[0] for word in rest if word.startswith("-")), "")
            if not flag:
                self.error(f"there is no place for {' '.join(rest)}")
            near = get_close_matches(flag, self.flags, 1)
            # What was typed is not repeated: behind a flag that there is not, a secret may be.
            raise UsageError(f"there is no flag {flag}" + (f"; did you mean {near[0]}?" if near else ""))
        return found

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        from difflib import get_close_matches

        from importer.errors import UsageError

        words = list(map(str, action.choices))
        said = f"{'/'.join(action.option_strings) or action.metavar or action.dest}: there is no {value!r}"
        if near := get_close_matches(str(value), words, 1):
            raise UsageError(f"{said}; did you mean {near[0]}?", meant=(str(value), near[0]))
        self.error(said + (f"; choose from {', '.join(words)}" if len(words) < 10 else ""))

    def error(self, message: str) -> NoReturn:
        from importer.errors import UsageError  # not for `--help`

        raise UsageError(message, then=f"{self.prog} --help")


class _Man(argparse.Action):
    """Prints the manual page and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importer.cli.man_page import man_page

        print(man_page(build_parser()), end="")
        parser.exit()


def build_parser(only: str = "") -> argparse.ArgumentParser:
    """The grammar: every command's name, and the arguments of `only` (of all, where it is empty).

    Building one command's arguments instead of all halves the time that `--help` takes.
    """
    parser = _Parser(
        prog="tag-importer",
        description="Creates Cloudforce One threat-actor tags in bulk from CSV, XLSX, STIX and MISP actor lists.",
        epilog=EPILOG + "\n" + _examples(""),
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tag-importer {__version__}")
    parser.add_argument("--man", action=_Man, nargs=0, help="print the manual page, for `man -l -`, and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, help_text, fill) in COMMANDS.items():
        subparser = _subparser(commands, name, help_text)
        if only == name or not only:
            fill(subparser)
        if only == name:
            parser.flags = tuple(subparser._option_string_actions)
    return parser


def _validate(parser: argparse.ArgumentParser) -> None:
    _sources(parser, "SOURCE")
    _reading(parser)
    _deciding(parser)
    _output(parser, issues=True)
    parser.add_argument("--by", choices=("kind", "row"), default="kind", help="issues by kind or by row (text format)")
    parser.add_argument("--annotate", metavar="OUT.xlsx", help="hand the list back with each issue at its cell")
    parser.add_argument("--force", action="store_true", help="overwrite OUT.xlsx")
    _page(parser)


def _page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--html", metavar="FILE.html", help="write the result as a page, too")


def _up_to_the_plan(parser: argparse.ArgumentParser, metavar: str) -> None:
    """`plan` and `apply` are one path up to the plan, and so are their flags."""
    _sources(parser, metavar)
    group = parser.add_argument_group("several jobs (job files, or a folder of them)")
    group.add_argument("--groups", action="store_true", help="list them by token, for an engine above; attempt nothing")
    group.add_argument(
        "--group", metavar="ID", help="only those of this token, as --groups calls it, or its place: 0..."
    )
    _reading(parser)
    _planning(parser)
    _account(parser)
    _pacing(parser)
    _output(parser, issues=True)
    _unattended(parser)


def _plan(parser: argparse.ArgumentParser) -> None:
    _up_to_the_plan(parser, "SOURCE|JOB")
    parser.add_argument("--out", metavar="DIR", help="write plan.json into this folder, for `apply DIR/plan.json`")
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit 10 when changes are pending")
    _page(parser)


def _apply(parser: argparse.ArgumentParser) -> None:
    _up_to_the_plan(parser, "SOURCE|JOB|PLAN")
    parser.add_argument("--out", metavar="DIR", help="the run folder (default tag-importer-runs/<UTC time>-<id>)")
    parser.add_argument("--dry-run", action="store_true", help="stop after the plan, as `plan` does")
    parser.add_argument("--resume", action="store_true", help="several jobs: go on with those of --out")
    _asking(parser)


def _resume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run folder, or the start of its name")
    _account(parser)
    _pacing(parser)
    _output(parser)
    _unattended(parser)
    _asking(parser)


def _asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--trust-plan", metavar="SHA256", help="carry out a plan that was made on another machine")


def _undo(parser: argparse.ArgumentParser) -> None:
    _resume(parser)
    parser.add_argument("--out", metavar="DIR", help="run folder of the undo")
    parser.add_argument("--dry-run", action="store_true", help="stop after the plan")


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="+", metavar="RUN|FLEET", help="a run folder, or the start of its name; or the "
                        "folders of fleets, which are shown as one")  # fmt: skip
    _output(parser)


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs_action", nargs="?", choices=("list", "prune"), default="list", metavar="list|prune")
    parser.add_argument("--dir", metavar="DIR", help="where the runs are (default tag-importer-runs); for one made "
                        "with --out, the folder that it is in")  # fmt: skip
    parser.add_argument("--keep", type=int, metavar="N", help="prune: keep the newest N finished runs (default 30)")
    _output(parser)


def _fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--current", action="store_true", help="leave out fields of past API generations")
    _output(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="where to: .csv, .xlsx or .json; its mapping goes beside it")
    parser.add_argument("--category", metavar="NAME|UUID", help="only tags of this category")
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    _account(parser)
    _pacing(parser)
    _output(parser)


def _template(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="OUT.xlsx")
    _flags(parser, "", "mapping")
    parser.add_argument("--category", metavar="NAME|UUID", help="columns for the properties of this category")
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    _account(parser)
    _output(parser)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", metavar="CODE", help="as a command shows it, like unknown-country")
    _output(parser)


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _duplicates(parser: argparse.ArgumentParser) -> None:
    _account(parser)
    _flags(parser, "who is who", "decisions")
    _flags(parser, "limits", "max_updates", "max_deletes")
    parser.add_argument("--out", metavar="DIR", help="write the plan of a merge into this folder")
    _pacing(parser)
    _output(parser)


def _doctor(parser: argparse.ArgumentParser) -> None:
    _account(parser)
    _flags(parser, "", "timeout", "runs_dir")
    _output(parser)


def _subparser(commands: argparse._SubParsersAction[Any], name: str, help_text: str) -> argparse.ArgumentParser:
    called = f"{getattr(commands, '_prog_prefix', '')} {name}".removeprefix("tag-importer ")
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help_text,
        description=help_text[0].upper() + help_text[1:] + ".",
        epilog=_examples(called),
        formatter_class=_Formatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    return parser


def _examples(command: str) -> str:
    lines = (f"  tag-importer {line}\n" for line in EXAMPLES.get(command, ()))
    return "examples:\n" + "".join(lines) if command in EXAMPLES else ""


def _sources(parser: argparse.ArgumentParser, metavar: str) -> None:
    parser.add_argument("sources", nargs="+", metavar=metavar, help="see `tag-importer --help`")


def _reading(parser: argparse.ArgumentParser) -> None:
    _flags(parser, "reading", "mapping", "map", "sheet", "include_hidden", "include_revoked", "header_row", "encoding",
           "delimiter", "records", "limit", "logins", "fresh")  # fmt: skip


def _planning(parser: argparse.ArgumentParser) -> None:
    _flags(parser, "planning", "mode", "lists", "category", "create_category", "max_creates", "max_updates",
           "max_deletes", "max_shrink", "max_drift", "allow_empty", "managed_by", "adopt", "prune")  # fmt: skip
    _flags(parser, "a part of the rows", "only", "exclude")
    _deciding(parser)


def _review(parser: argparse.ArgumentParser) -> None:
    _sources(parser, "RUN|SOURCE")
    parser.add_argument("--stated", action="store_true", help="ask also of pairs that a source states, or of one name")
    parser.add_argument("--page", action="store_true", help="ask on a page in the browser, served on 127.0.0.1 alone")
    parser.add_argument("--open", action="store_true", help="open that page, too")
    _reading(parser)
    _deciding(parser)
    _output(parser)


def _deciding(parser: argparse.ArgumentParser) -> None:
    _flags(parser, "who is who", "decisions", "evidence")


def _account(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("account")
    group.add_argument("--sandbox", action="store_true", help="use the embedded local API instead of the account")
    group.add_argument("--fault", action="append", metavar="PLAN", help="faults of the sandbox; see `sandbox --help`")
    _flags(group, "", "sandbox_db", "wait", "strict")


def _pacing(parser: argparse.ArgumentParser) -> None:
    _flags(parser, "pacing", "concurrency", "quota", "window", "reserve", "max_wait", "grace", "timeout", "fsync")


def _flags(parser: argparse._ActionsContainer, title: str, *names: str) -> None:
    """The flags of these settings, in a group of that title; an empty one adds them where they are."""
    from importer.settings.options import option_named  # only where a command's flags are wanted

    group = parser.add_argument_group(title) if title else parser
    for option in map(option_named, names):
        group.add_argument(option.flag, dest=option.name, **option.argument())


def _output(parser: argparse.ArgumentParser, *, issues: bool = False) -> None:
    group = parser.add_argument_group("output")
    forms = [name for name in FORMATS if issues or name not in OF_ISSUES]
    group.add_argument("--format", choices=forms, help="of standard output (default text)")
    _flags(group, "", "log_format")
    group.add_argument("--quiet", action="store_true", help="nothing but the result and errors")


def _unattended(parser: argparse.ArgumentParser) -> None:
    _flags(parser, "unattended", "metrics_file", "ping_url")


def _mapping(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="mapping_action", metavar="ACTION", required=True)
    init = _subparser(actions, "init", "write a commented, working mapping for a list")
    _sources(init, "SOURCE")
    _reading(init)
    init.add_argument("--out", metavar="FILE", help="write it here (default: standard output)")
    init.add_argument("--force", action="store_true", help="overwrite the file")
    _output(_subparser(actions, "list", "list the presets"))
    show = _subparser(actions, "show", "print a preset, to start one's own from")
    show.add_argument("name", metavar="NAME|FILE")
    _output(_subparser(actions, "transforms", "list the transforms with one example each"))
    _subparser(actions, "schema", "print the JSON Schema of mapping files")


def _categories(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="categories_action", metavar="ACTION", required=True)
    listing = _subparser(actions, "list", "list the account's categories")
    show = _subparser(actions, "show", "show one category and its schema")
    show.add_argument("name", metavar="NAME|UUID")
    export = _subparser(actions, "export", "write categories with their schemas as YAML")
    export.add_argument("name", nargs="?", metavar="NAME|UUID", help="one category (default: all)")
    export.add_argument("--out", metavar="FILE", help="write it here (default: standard output)")
    export.add_argument("--force", action="store_true", help="overwrite the file")
    apply = _subparser(actions, "apply", "create or update categories as a YAML file says")
    apply.add_argument("file", metavar="FILE")
    apply.add_argument("--dry-run", action="store_true", help="show the differences only")
    apply.add_argument("--yes", action="store_true", help="do not ask")
    for action in (listing, show, export, apply):
        _account(action)
        _output(action)


def _sandbox_command(parser: argparse.ArgumentParser) -> None:
    from importer.sandbox.settings import MEANINGS

    lines = "\n".join(f"  {name:<22} {meaning}" for name, meaning in MEANINGS.items())
    parser.epilog = f"{parser.epilog}\n" + (
        "A fault PLAN is a YAML file, the name of one in config/faults (lossy, outage, ...), or the YAML itself:\n"
        "'stale_reads: 2 s' or 'faults: [{do: lose-after-commit, calls: create, chance: 10%}]'. What a fault can do:\n"
        f"{lines}"
    )
    parser.add_argument("sandbox_action", nargs="?", choices=("serve", "reset"), default="serve",
                        metavar="serve|reset", help="serve it (the default), or empty its database")  # fmt: skip
    parser.add_argument("--port", type=int, metavar="N", help="port on loopback (default: a free one)")
    parser.add_argument("--db", metavar="FILE", help="database (default tag-importer-runs/sandbox.sqlite3)")
    parser.add_argument("--token", type=str.strip, metavar="TEXT", help="the token it accepts (default sandbox-token)")
    parser.add_argument("--account", dest="account_id", metavar="ID", help="the account it serves")
    parser.add_argument("--quota", type=int, metavar="N", help="calls a window (default 1200; 0 for no limit)")
    parser.add_argument("--window", type=float, metavar="SECONDS", help="length of the window (default 300)")
    parser.add_argument("--block", type=float, metavar="SECONDS", help="block after going over (default: the window)")
    parser.add_argument("--latency", type=float, metavar="MS", help="added to each answer")
    parser.add_argument("--fault", "--fault-plan", action="append", metavar="PLAN", help="what goes wrong; see below")
    parser.add_argument("--seed", type=int, metavar="N", help="which calls the faults hit (default 0)")
    parser.add_argument("--envelope", action="store_true", help="answer inside {success, result}")


COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "validate": ("offline", "check lists offline: every issue of every row, with its cell", _validate),
    "plan": ("apply", "show what apply would do; writes nothing to the account (= apply --dry-run)", _plan),
    "apply": ("apply", "create the tags: plan, show, ask on a terminal, carry out, report to a run folder", _apply),
    "resume": ("apply", "finish a run that stopped early", _resume),
    "undo": ("apply", "delete what a run created and restore what it updated", _undo),
    "report": ("runs", "write a run's reports again from its plan and journal", _report),
    "runs": ("runs", "list runs with their state and counts, or prune them", _runs),
    "mapping": ("offline", "write, list, show and check mappings", _mapping),
    "fields": ("offline", "print the table of tag fields", _fields),
    "categories": ("account", "list, show, export and apply tag categories", _categories),
    "template": ("account", "write an empty workbook to fill in: notes, drop-downs, an example row", _template),
    "export": ("account", "save the account's tags as CSV, XLSX or JSON, ready to be imported again", _export),
    "duplicates": ("account", "list the tags that are one actor's, with what differs; plan to merge them", _duplicates),
    "review": ("review", "decide pair by pair whether two actors are one; writes decisions.yaml", _review),
    "explain": ("offline", "say what a code means, with an example, and how to settle it", _explain),
    "doctor": ("account", "look at what a run needs: account, token, network, clock, folders, locks", _doctor),
    "completion": ("offline", "print what bash, zsh or fish needs to complete commands and flags", _completion),
    "sandbox": ("offline", "serve a local API that behaves like the real one", _sandbox_command),
}
"""Command -> the module here that has the function of its name, its line of help, and what gives it its arguments."""
