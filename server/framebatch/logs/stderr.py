"""Where the lines of the log go: standard error, by one handler for the server and the libraries it uses."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TextIO

from framebatch.clock import SECOND_NS, now_ns, ns_to_seconds
from framebatch.logs.events import event, name_of
from framebatch.logs.lines import Human, Journal, Json, message_of
from framebatch.logs.repeats import WINDOW_NS, Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from framebatch.logs.repeats import Withheld

__all__ = ["Stderr", "formatter_of", "start_logging"]

log = logging.getLogger(__name__)

MOST_A_MINUTE: Final = 60
"""Lines of one message."""
MOST_TRACES_A_MINUTE: Final = 5
"""Lines of one message that bring a traceback each."""

Format = Literal["auto", "human", "json"]


class _Told(NamedTuple):
    """What is kept of a line: no exception, whose traceback would keep pictures alive."""

    logger: str
    level: int
    event: str
    message: str


class Stderr(logging.Handler):
    """Writes to what `sys.stderr` is at the time: while a progress bar moves there, lines go above it.

    Of a message that repeats, `MOST_A_MINUTE` are written in a minute and then how many there were more; critical ones are
    all written. A standard error that cannot be written to is no reason for a server to fail: the line is lost.
    """

    def __init__(
        self, formatter: logging.Formatter, *, stream: TextIO | None = None, clock: Callable[[], int] = now_ns
    ) -> None:
        """Write.

        Args:
            formatter: makes the lines.
            stream: in place of standard error.
            clock: nanoseconds.
        """
        super().__init__()
        self.setFormatter(formatter)
        self._stream = stream
        self._clock = clock
        self._repeats: Repeats[_Told] = Repeats()
        self._timer: threading.Timer | None = None

    def __repr__(self) -> str:
        return f"Stderr({type(self.formatter).__name__}, {self._repeats!r})"

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or count it. Called by `handle`, which holds the lock."""
        now = self._clock()
        self._summarise(self._repeats.due(now))
        if record.levelno >= logging.CRITICAL or self._admits(record, now):
            self._write(record)
        elif self._timer is None:
            self._start_timer()

    def tell_withheld(self) -> None:
        """Say of the windows that have ended what they held back; a timer does this by itself."""
        with self._locked():
            self._timer = None
            self._summarise(self._repeats.due(self._clock()))
            if self._repeats.withholds:
                self._start_timer()

    def close(self) -> None:
        """Say what was held back so far, and stop the timer."""
        with self._locked():
            if self._timer is not None:
                self._timer.cancel()
            self._summarise(self._repeats.all())
        super().close()

    def _admits(self, record: logging.LogRecord, now: int) -> bool:
        template = record.msg if isinstance(record.msg, str) else type(record.msg)
        told = _Told(record.name, record.levelno, name_of(record), message_of(record))
        return self._repeats.admit(
            (record.name, record.levelno, template),
            told,
            limit=MOST_TRACES_A_MINUTE if record.exc_info else MOST_A_MINUTE,
            now_ns=now,
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _start_timer(self) -> None:
        self._timer = threading.Timer(ns_to_seconds(WINDOW_NS), self.tell_withheld)
        self._timer.daemon = True
        self._timer.start()

    def _summarise(self, withheld: list[Withheld[_Told]]) -> None:
        for count, last in withheld:
            sentence = "... %d more in the last %d s; the last one: %s"
            values = (count, WINDOW_NS // SECOND_NS, last.message)
            record = logging.LogRecord(last.logger, last.level, __file__, 0, sentence, values, None)
            vars(record).update(event("log.repeated", count=count, of=last.event))
            self._write(record)

    def _write(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - whoever logs must not fail of a value that cannot be shown
            sentence = f"a line of {record.pathname}:{record.lineno} cannot be shown: {error!r}"
            line = self.format(logging.LogRecord(record.name, record.levelno, __file__, 0, sentence, (), None))
        stream = self._stream or sys.stderr
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more, or it is closed
            stream.write(f"{line}\n")
            stream.flush()


def formatter_of(
    wanted: Format, *, environment: Mapping[str, str] = os.environ, descriptor: int = 2
) -> logging.Formatter:
    """Who makes the lines.

    Args:
        wanted: `auto` is `human`, and knows systemd's journal.
        environment: `JOURNAL_STREAM` names the file behind standard error where that is the journal (systemd.exec(5)).
        descriptor: of standard error.
    """
    if wanted == "json":
        return Json()
    if wanted == "auto" and (journal := environment.get("JOURNAL_STREAM")):
        try:
            found = os.fstat(descriptor)
        except OSError:
            return Human()
        if journal == f"{found.st_dev}:{found.st_ino}":
            return Journal()
    return Human()


def start_logging(wanted: Format, level: str) -> None:
    """From now on everything that this process logs goes to standard error in this form; once for a process.

    Args:
        wanted: the form.
        level: the least that is written; at `debug` libraries still say no more than at `info`.
    """
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[Stderr(formatter_of(wanted))], level=max(number, logging.INFO), force=True)
    logging.getLogger("framebatch").setLevel(number)
    logging.captureWarnings(capture=True)
    threading.excepthook = _died
    sys.excepthook = _failed


def _failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The main thread ended with an exception that nobody handled."""
    if not issubclass(kind, Exception):  # Ctrl-C
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("ended by an error that nobody handled", exc_info=error, extra=event("process.died"))


def _died(what: threading.ExceptHookArgs) -> None:
    """A thread ended with an exception that nobody handled."""
    name = what.thread.name if what.thread is not None else "?"
    trace = what.exc_value or what.exc_type()
    log.critical(
        "thread %s died of an error that nobody handled", name, exc_info=trace, extra=event("thread.died", thread=name)
    )
