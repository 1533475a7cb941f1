"""A property that is computed once, failures included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from laurel_mp.doctor.host import UnknownError

T = TypeVar("T")


class cached_fact(Generic[T]):  # noqa: N801 - it reads as `property` does
    """Like functools.cached_property, and remembers UnknownError as well.

    A program that does not answer would otherwise be waited for by each check that asks.
    """

    def __init__(self, find: Callable[[Any], T]) -> None:
        self._find = find
        self._name = ""
        self.__doc__ = find.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> cached_fact[T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> T | cached_fact[T]:
        if instance is None:
            return self
        answers = instance.__dict__
        if self._name not in answers:
            try:
                answers[self._name] = self._find(instance), None
            except UnknownError as error:
                answers[self._name] = None, str(error)
        answer, reason = answers[self._name]
        if reason is not None:
            raise UnknownError(reason)
        found: T = answer
        return found

    def __set__(self, instance: object, value: T) -> None:
        raise AttributeError(f"{self._name} is found out, not set")
