"""Everything on this machine as one: web server, worker, clock, and the local model if asked."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from config.supervisor import Probe, Program, Supervisor

MODEL = "model"  # the name of the program that serves the language model
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (known, not bound to)


class Command(BaseCommand):
    help = (
        "Start the web server, the worker and its clock, and start again what dies. "
        "Ctrl-C stops them all."
    )
    # The worker runs them as it starts; here they would only keep the address back.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="127.0.0.1: this machine only")
        parser.add_argument(
            "--prepare", action="store_true", help="migrate and collect static files before"
        )
        parser.add_argument(
            "--demo",
            action="store_true",
            help="create the demo project if it is not there, and print its log-ins",
        )
        parser.add_argument(
            "--no-demo", action="store_false", dest="demo", help="no demo (the default)"
        )
        parser.add_argument(
            "--local-llm", action="store_true", help="serve a language model on this machine too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._serve(options)
        except KeyboardInterrupt:  # before the supervisor took the signals over
            raise CommandError("Stopped.", returncode=130) from None

    def _serve(self, options: dict[str, Any]) -> None:
        host, port = str(options["host"]), int(options["port"])
        os.umask(0o077)  # what is made in the data folder is nobody else's to read
        with self._only_one():
            self._check_port(host, port)
            if options["prepare"]:
                call_command("prepare", stdout=self.stdout)
            greeting = self._demo() if options["demo"] else self._first_owner()
            programs = self._programs(host, port, local_llm=bool(options["local_llm"]))
            self._let_go_of_database()
            with self._model_made_known(programs):
                Supervisor(
                    programs,
                    folder=settings.BASE_DIR,
                    write=self._write,
                    probe=Probe(EVERY_ADDRESS.get(host, host), port, self._host_header()),
                    on_ready=lambda: self._greet(host, port, greeting),
                ).run()

    # --- Before -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        """Hold the data folder: two clocks on one schedule file would fight."""
        with (settings.DATA_DIR / "serve.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandError(
                    f"Concord is already running on the data folder {settings.DATA_DIR}. Stop it "
                    "first (Ctrl-C where it runs), or name another folder with DATA_DIR."
                ) from None
            yield

    def _check_port(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except (OSError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise CommandError(
                    f"Cannot listen on {host}, port {port}: {reason}. "
                    f"Choose another port, for example: bin/run --port {min(port + 1, 65535)}"
                ) from None

    def _demo(self) -> str:
        said = io.StringIO()
        call_command("seed_demo", stdout=said)
        return said.getvalue().strip()

    def _first_owner(self) -> str:
        """Without the demo there must be somebody who can log in: ask for them, or say how."""
        if get_user_model().objects.exists():
            return ""
        if sys.stdin.isatty():
            self.stdout.write("There is no log-in yet. Who is the first owner?")
            call_command("createowner")
            return ""
        return (
            "There is no log-in yet. Make the first one, in another terminal:\n"
            "  .venv/bin/python manage.py createowner"
        )

    def _let_go_of_database(self) -> None:
        """Close connections, and the pool with its threads: this process only forks from here."""
        for connection in connections.all(initialized_only=True):
            connection.close()
            close_pool = getattr(connection, "close_pool", None)
            if close_pool is not None:
                close_pool()

    # --- What runs --------------------------------------------------------------------------

    def _programs(self, host: str, port: int, *, local_llm: bool) -> list[Program]:
        python = sys.executable
        shared: dict[str, str] = {}
        programs: list[Program] = []
        if local_llm:
            llm_port = self._free_port()
            shared = {
                "CONCORD_LOCAL_LLM_URL": f"http://127.0.0.1:{llm_port}/v1",
                # New at each start.
                "CONCORD_LOCAL_LLM_KEY": secrets.token_urlsafe(32),
            }
            llm = [python, "-m", "judges.local_llm.server", "--port", str(llm_port)]
            llm += ["--models", str(settings.MODEL_DIR)]
            programs.append(Program(MODEL, llm, shared))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        celery = [python, "-m", "celery", "--quiet", "-A", "config"]
        web = [
            *(python, "-m", "gunicorn", "config.wsgi", "--bind", address),
            # One process: SQLite has one writer, and the page of one machine needs no more.
            *("--workers", "1", "--worker-class", "gthread", "--threads", "8"),
            *("--timeout", "120", "--graceful-timeout", "10", "--log-level", "warning"),
            "--no-control-socket",
        ]
        worker = [
            *(
                *celery,
                "worker",
                "--loglevel",
                "WARNING",
                "--pool",
                "threads",
                "--concurrency",
                "4",
            ),
            # There is one worker: it has nobody to gossip with.
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
        # A clock of its own (not `worker -B`): the one inside a worker outlives its kill -9.
        clock = [*celery, "beat", "--loglevel", "WARNING"]
        worker_env = {
            # Four jobs share the cores; a numeric library would take them all for each.
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            # Celery warns root because of pickled messages; ours are JSON.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        }
        return [
            Program("web", web, shared),
            Program("worker", worker, {**shared, **worker_env}),
            Program("clock", clock, shared, waits=True),
            *programs,
        ]

    @contextlib.contextmanager
    def _model_made_known(self, programs: list[Program]) -> Iterator[None]:
        """Leave address and key of the model served where commands of this account find them."""
        path = settings.LOCAL_LLM_FILE
        path.unlink(missing_ok=True)  # of one that was killed
        for program in programs:
            if program.name == MODEL:
                url, key = (
                    program.env["CONCORD_LOCAL_LLM_URL"],
                    program.env["CONCORD_LOCAL_LLM_KEY"],
                )
                path.touch(mode=0o600)
                path.write_text(json.dumps({"url": url, "key": key}), encoding="utf-8")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def _free_port(self) -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            trial.bind(("127.0.0.1", 0))
            return int(trial.getsockname()[1])

    # --- What is said -----------------------------------------------------------------------

    def _host_header(self) -> str:
        named = [host for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
        return named[0] if named else "localhost"

    def _greet(self, host: str, port: int, greeting: str) -> None:
        shown = EVERY_ADDRESS.get(host, host)
        address = f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"
        lines = ["", f"Concord is at {address}"]
        if host not in LOOPBACK:
            lines.append(
                "Others can reach it too, without encryption: keep to a network you trust, or see "
                "deploy/README.md."
            )
        lines += [*greeting.splitlines(), "Ctrl-C stops it.", ""]
        self._write("\n".join(lines))

    def _write(self, text: str) -> None:
        # Whoever read our lines may have gone (`bin/run | head`): the work goes on.
        with contextlib.suppress(BrokenPipeError):
            self.stdout.write(text)
            self.stdout.flush()
