"""Carrying out a plan in its run folder, and what is left behind of it: journal, reports, the summary on the screen."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from importer import __version__
from importer.engine.execute import execute
from importer.engine.journal import Fsync, Journal
from importer.engine.journal_state import JournalState
from importer.engine.run_folder import RunFolder
from importer.engine.settings import ExecuteSettings
from importer.engine.stop import on_signals
from importer.engine.work import NEVER
from importer.errors import ExitCode, StoppedEarly
from importer.masking import Mask
from importer.model import Issue, Place, Plan, Severity
from importer.pipeline.account import Target
from importer.pipeline.remembered import remember
from importer.pipeline.session import Session
from importer.planning.exposure import exposure
from importer.planning.part import PART
from importer.reports.run_record import RunRecord, Traffic, resume_command
from importer.reports.summary import FINISHED, earlier_traffic
from importer.reports.write import write_reports
from importer.settings.settings import Settings


class Execution(Struct, frozen=True):
    """A plan that is about to be carried out."""

    plan: Plan
    digest: str
    folder: RunFolder
    session: Session
    command: str = "apply"
    earlier: JournalState | None = None
    seen_at: float = NEVER
    """When the account was as the plan saw it, on the clock; never where that is long ago or a person thought since."""

    async def run(self, target: Target) -> RunRecord:
        """Make the calls, write every report, and return the record. Stops are part of the record, not errors."""
        session, given = self.session, self.session.settings
        session.timings.done("plan")  # with writing it down, and with what a person thought about it
        settings = ExecuteSettings(
            concurrency=given.pacing.concurrency, grace=given.pacing.grace, fsync=Fsync(given.output.fsync)
        )
        before = earlier_traffic(self.folder.path) if self.earlier is not None else Traffic()
        self.folder.sweep()
        session.sending = True
        async with Journal(self.folder.journal_path, session.clock, fsync=settings.fsync) as journal:
            with on_signals(session.stop, at_once=self._leave) if session.signals else nullcontext():
                result = await execute(
                    self.plan, target.api, journal, settings, run=self.folder.run, plan_sha256=self.digest,
                    clock=session.clock, observe=session.observe, stop=session.stop, earlier=self.earlier,
                    seen_at=self.seen_at, returned=target.returned, about=self._about(),
                )  # fmt: skip
        session.timings.done("execute")
        news = target.returned.news()
        rows = {change.key: change.row for change in self.plan.changes if change.row is not None}
        target.ids.learn(rows, result.outcomes.values())
        code = result.exit_code
        try:
            target.returned.save()
            target.ids.save()
            if code in FINISHED and self.command == "apply" and PART not in self.plan.options:
                remember(self.plan, given, self.folder.run)
        except OSError as error:
            said = f"what was learnt of the account could not be noted: {error.strerror or type(error).__name__}"
            news.append(Issue(Severity.WARNING, "not-noted", said, Place("")))
        if code == ExitCode.DONE and any(note.severity is Severity.ERROR for note in self.plan.notes):
            code = ExitCode.ROWS_NEED_WORK
        record = RunRecord(
            run=self.folder.run,
            folder=self.folder.path,
            plan=replace(self.plan, notes=(*self.plan.notes, *news)) if news else self.plan,
            outcomes=result.outcomes,
            started=session.started,
            finished=session.clock.now(),
            seconds=session.timings.whole(),
            exit_code=code,
            traffic=before + session.traffic.traffic(),
            stopped=result.stopped,
            hint=result.hint,
            command=self.command,
            plan_sha256=self.digest,
            timings=session.timings.seconds,
            exposure=exposure(self.plan),
            sandbox=target.sandbox,
            job=given.job.name if given.job else "",
            again=sandbox_flags(given),
            mask=Mask(self.session.settings.secrets()),
        )
        session.observer.phase("writing the report")
        write_reports(record)
        return record

    def _leave(self, number: int) -> None:
        """The second signal: no answer is waited for and no report written, but what to do next is said."""
        command = resume_command(self.folder.path, sandbox_flags(self.session.settings))
        with suppress(OSError):
            said = f"left at once; no report was written, and the journal is whole. Go on with: {command}"
            self.session.observer.tell(said, level="warning", event="left-at-once")
        os._exit(StoppedEarly.exit_code)

    def _about(self) -> Mapping[str, str]:
        about = {"command": self.command, "version": __version__}
        with suppress(OSError):  # a folder that was deleted under our feet
            about["cwd"] = str(Path.cwd())
        return about


def sandbox_flags(settings: Settings) -> str:
    """What leads another command to the same account: the sandbox's flags, or nothing."""
    if not settings.sandbox:
        return ""
    return f"--sandbox --sandbox-db {shlex.quote(settings.sandbox_db)}" if settings.sandbox_db else "--sandbox"
