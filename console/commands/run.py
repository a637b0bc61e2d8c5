"""`router-policy run`: the schedule, in this process, until a signal ends it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.address import address_of
from console.options import Config, Host, Port, WithoutToken
from console.reload import Apply, Reloader, reloaded_on_sighup
from console.settings.after_run import figures_process_of, figures_task_of
from console.settings.file import load
from console.settings.model import Settings
from console.settings.notify import notify_plan_of
from console.settings.plan import plan_of, schedule_options_of
from console.terminal.logs import set_up_logs
from jobs.notify.watcher import Watcher
from jobs.run.lease_owner import owner
from jobs.run.schedule import Schedule

if TYPE_CHECKING:
    from console.web.server import Address, Console

_log = logging.getLogger("router_policy")


_Web = Annotated[bool, typer.Option("--web", help="Serve the console too; the options below are for it.")]
_WEB_OPTIONS = {"host": "--host", "port": "--port", "without_token": "--without-token"}


def command(
    context: typer.Context,
    web: _Web = False,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    without_token: WithoutToken = False,
    config: Config = None,
) -> None:
    """Compute every slot of the schedule when it is due, until SIGTERM or Ctrl-C."""
    if not web:
        _refuse_web_options(context)
    address = address_of(host, port, without_token=without_token) if web else None
    _run_schedule(config, load(config), address)


def _refuse_web_options(context: typer.Context) -> None:
    given = [option for name, option in _WEB_OPTIONS.items() if _is_given(context, name)]
    if given:
        raise typer.BadParameter(f"{', '.join(given)}: only with --web")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _run_schedule(config: Path | None, settings: Settings, address: "Address | None") -> None:
    """Run the schedule, and the console if it has an address; return when the run that had begun is finished."""
    set_up_logs()
    schedule = Schedule(plan=plan_of(settings), store_url=settings.store.url, timing=schedule_options_of(settings))
    figures = figures_process_of(settings)
    schedule.on_published = figures.start
    watcher = Watcher(plan=notify_plan_of(settings), store_url=settings.store.url)

    def prepare(new: Settings) -> Apply:
        plan, timing, notify, task = plan_of(new), schedule_options_of(new), notify_plan_of(new), figures_task_of(new)

        def apply() -> None:
            schedule.replace(plan, timing)
            watcher.replace_plan(notify)
            figures.replace(task, timing.deadline)

        return apply

    reloader = Reloader(config=config, settings=settings, prepare=prepare)
    with (
        closing(figures),
        reloaded_on_sighup(reloader.reload),
        _console(settings, address, reloader.attach),
        watcher.watching(),
    ):
        schedule.run()
    _log.info("stopped; no run was left half done")


@contextmanager
def _console(settings: Settings, address: "Address | None", begun: "Callable[[Console], None]") -> Iterator[None]:
    if address is None:
        yield
        return
    from console.web.server import console_at

    with console_at(settings, address, holder=owner(), begun=begun) as url:
        _log.info("console at %s", url)
        yield
