"""Let the system start the relay: `relay service install|uninstall|status`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.place import Place, fail, guarded, place

if TYPE_CHECKING:
    from relay.operator.service.install import Place as ServicePlace

_KINDS = ("systemd-user", "systemd-system", "launchd-user", "launchd-system")


def _which(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which service file is meant."""
    for option in (
        click.option("--system", is_flag=True, help="For the machine, not for this user alone."),
        click.option("--kind", type=click.Choice(_KINDS), help="Kind of service file; without it this system's own."),
    ):
        command = option(command)
    return command


@click.group()
def service() -> None:
    """Let systemd or launchd start the relay. Service files are written and deleted; nothing is started or stopped."""


@service.command()
@_which
@click.option("--user", metavar="NAME", help="User that a system service runs as; without it you.")
@click.option("--print", "only_print", is_flag=True, help="Print the service file, write nothing.")
@click.option("--force", is_flag=True, help="Replace another service file of the same name.")
@place
def install(where: Place, system: bool, kind: str | None, user: str | None, only_print: bool, force: bool) -> None:
    """Write the service file and say how to start it.

    It serves with this configuration file and data directory. Settings of the environment do not reach it: put them
    into the configuration file.
    """
    settings = where.settings()
    from relay.operator.service import install as work
    from relay.operator.service.units import Service

    found = _place(system, kind)
    data_dir = settings.data_dir.absolute()
    command = [*work.own_command(), "serve", "--data-dir", str(data_dir)]
    file = where.file.absolute() if where.file is not None else None
    if file is not None:
        command += ["--config", str(file)]
    is_system = found.kind in {work.Kind.SYSTEMD_SYSTEM, work.Kind.LAUNCHD_SYSTEM}
    runs_as = (user or getpass.getuser()) if is_system else ""
    described = Service(command, str(data_dir), runs_as, reloads=bool(settings.server.tls_cert))
    if user and not is_system:
        fail("--user is for system services")
    if only_print:
        click.echo(work.text_of(found.kind, described).decode(), nl=False)
        return
    if is_system and not data_dir.is_dir():
        fail(f"{data_dir} does not exist; make it for the user {described.user}: the service may write nothing else")
    guarded(lambda: work.install(found, described, replace=force))
    value = {"kind": found.kind.value, "file": str(found.file), "start": list(found.start)}
    where.answer(value, [f"wrote {found.file}; start it with:", *(f"  {line}" for line in found.start)])


@service.command()
@_which
@place
def uninstall(where: Place, system: bool, kind: str | None) -> None:
    """Delete the service file; stop the service first."""
    from relay.operator.service import install as work

    found = _place(system, kind)
    running = guarded(lambda: work.state(found))
    if running in {"active", "loaded"}:
        fail(f"the service is {running}, stop it first: {' && '.join(found.stop)}")
    deleted = guarded(lambda: work.uninstall(found))
    value = {"kind": found.kind.value, "file": str(found.file), "deleted": deleted}
    where.answer(value, [f"deleted {found.file}" if deleted else f"there is no {found.file}"])


@service.command()
@_which
@place
def status(where: Place, system: bool, kind: str | None) -> None:
    """Say whether the service file is there and what the system says of the service.

    The exit code is 3 when there is none.
    """
    from relay.operator.service import install as work

    found = _place(system, kind)
    installed = found.file.exists()
    said = work.state(found) if installed else "not installed"
    value = {"kind": found.kind.value, "file": str(found.file), "installed": installed, "state": said}
    where.answer(value, [f"{found.file}: {said}"])
    if not installed:
        raise SystemExit(3)


def _place(system: bool, kind: str | None) -> ServicePlace:
    from relay.operator.service import install as work

    wanted = guarded(lambda: work.Kind(kind) if kind else work.kind_here(system=system))
    return work.place_of(wanted, Path("/"), Path.home())
