"""Valid and invalid options of a flood."""

import pytest

from laurel_mp.loadtest.flood import Options, Tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [("40", Tree(40)), ("40,3", Tree(40, 3)), ("40,3,2", Tree(40, 3, 2))],
)
def test_trees(text: str, expected: Tree) -> None:
    """Size, depth and fan-out; what is not said is as by default."""
    assert expected == Tree.parse(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "PROCESSES[,DEPTH[,FANOUT]]"),
        ("1,2,3,4", "PROCESSES[,DEPTH[,FANOUT]]"),
        ("x", "PROCESSES[,DEPTH[,FANOUT]]"),
        ("40,0", "from 1 to 50"),
        ("40,51", "from 1 to 50"),
        ("40,2,0", "at least one child"),
    ],
)
def test_impossible_trees(text: str, problem: str) -> None:
    """The message is for the user."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text is looked at
        Tree.parse(text)
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (Options(), ""),
        (Options(node="web-1.example_org"), ""),
        (Options(interleave=20, tree=Tree(56)), ""),
        (Options(interleave=20, tree=Tree(55)), "processes: from 56 "),
        (Options(tree=Tree(30_001)), "to 30000"),
        (Options(unique=1.5), "unique"),
        (Options(interleave=0), "open events"),
        (Options(rate=0.0), "rate"),
        (Options(events=-1), "events"),
        (Options(node="a b"), "node"),
        (Options(node="ä"), "node"),
    ],
)
def test_problems(options: Options, problem: str) -> None:
    """Options that contradict each other are reported in one line."""
    assert problem in options.problem()
    assert bool(problem) == bool(options.problem())
