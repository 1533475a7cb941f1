"""The filters of a configuration: each that the schema declares is built and filters something."""

from dataclasses import replace
from typing import Any

import pytest

from laurel_mp.config import Config
from laurel_mp.config.schema import Filter
from laurel_mp.config.settings import Setting, entries
from laurel_mp.pipeline.runner.event_filters import BUILD, EventFilters

FILTERS = {
    entry.attribute: entry
    for entry in entries(Filter).values()
    if isinstance(entry, Setting) and entry.name.startswith("filter-")
}
del FILTERS["filter_action"]


def test_each_filter_says_what_it_looks_at_and_is_built() -> None:
    """One that is forgotten would filter nothing."""
    assert all(entry.looks_at for entry in FILTERS.values())
    assert set(BUILD) == set(FILTERS)


@pytest.mark.parametrize("attribute", FILTERS)
def test_each_filter_is_active(attribute: str) -> None:
    """Set to what the sample shows, it reaches one of the stages."""
    sample: Any = FILTERS[attribute].sample or True
    if attribute == "filter_users":
        sample = ("1001",)
    section = replace(Filter(), **{attribute: sample})
    filters = EventFilters(replace(Config(), filter=section))
    content = filters.of_content()

    assert filters.are_active
    assert content.active
    assert filters.of_processes() or filters.address or content.raw_line


def test_no_filters() -> None:
    """By default nothing is filtered, and nothing looked at."""
    filters = EventFilters(Config())

    assert not filters.are_active
    assert not filters.of_processes()
    assert (
        filters.address,
        filters.of_content().raw_line,
        filters.of_content().user_record,
    ) == (None, None, None)


def test_two_that_look_at_the_same() -> None:
    """One of them is enough."""
    section = Filter(filter_keys=("k",), filter_null_keys=True)
    by_rule = EventFilters(replace(Config(), filter=section)).of_processes().by_rule

    assert [by_rule(keys, frozenset()) for keys in ((), (b"k",), (b"j",))] == [True, True, False]
