"""What may be asked about this host, in plugin mode only."""

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
    """This host: its processes, its users and groups."""

    procfs: Procfs
    names: Names | None = None
    """None if no names are to be shown."""


@contextmanager
def open_system(config: Config, *, live: bool, names: bool = True) -> Iterator[System | None]:
    """This host, or None if it is not to be looked at.

    To be called before there are threads: look-ups of names are done by a process of their own,
    so that a slow directory service holds nothing up.
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
