"""Access to this host in plugin mode: /proc, and names of users and groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from laurel_mp.config import Config
from laurel_mp.pipeline.host.name_service import NameService
from laurel_mp.processes.procfs import Procfs
from laurel_mp.processes.users import Names


@dataclass(frozen=True, slots=True)
class System:
    """The processes, users and groups of this host."""

    procfs: Procfs
    names: Names | None = None
    """None if no option shows names."""


@contextmanager
def open_system(config: Config, *, live: bool, names: bool = True) -> Iterator[System | None]:
    """Yields access to this host; None unless `live`.

    Call it before there are threads: it forks a process that looks up names, so that a slow
    directory service delays nothing else.
    """
    if not live:
        yield None
        return
    if not (names and (config.translate.user_db or config.enrich.user_groups)):
        yield System(Procfs())
        return
    service = NameService()
    service.start()
    try:
        yield System(Procfs(), Names(service))
    finally:
        service.close()
