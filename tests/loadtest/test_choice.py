"""Recommendations from made-up measures."""

from laurel_mp.loadtest.choice import Choice, Throughput, Waiting, linger, window, workers

MIB = 1 << 20


def throughputs(**lines: float) -> list[Throughput]:
    """Settings `_N=lines per second`."""
    return [Throughput(int(name[1:]), rate, 5.0, 50 * MIB) for name, rate in lines.items()]


def test_more_workers_only_if_they_help() -> None:
    """Fewer processes are preferred if they are nearly as fast."""
    assert workers(throughputs(_0=95_000, _1=99_000, _2=100_000)) == Choice(
        0, "95 % of the lines per second of 2, with fewer processes"
    )
    assert workers(throughputs(_0=50_000, _1=80_000, _2=100_000, _4=105_000)).setting == 2
    assert workers(throughputs(_0=50_000, _1=80_000, _2=100_000, _4=205_000)) == Choice(
        4, "the most lines per second"
    )


def test_the_order_does_not_matter() -> None:
    """The same figures in another order lead to the same settings."""
    measured = throughputs(_4=103_000, _0=50_000, _2=100_000)
    assert workers(measured) == workers(measured[::-1])
    assert window(measured) == window(measured[::-1])


def test_the_smallest_window_that_is_enough() -> None:
    """More memory only for more speed."""
    assert window(throughputs(_4=80_000, _16=97_000, _64=100_000)) == Choice(
        16, "97 % of the highest throughput; larger ones take memory"
    )
    assert window(throughputs(_4=50_000, _16=70_000, _64=100_000)).setting == 64
    assert window(throughputs(_4=100_000, _16=70_000)).setting == 4


def test_the_shortest_linger_that_saves_enough() -> None:
    """Waiting longer for hardly less CPU time is no good."""
    measured = [
        Waiting(10, 0.08, 0.01, 0.03),
        Waiting(20, 0.05, 0.02, 0.04),
        Waiting(40, 0.041, 0.03, 0.06),
        Waiting(60, 0.04, 0.04, 0.08),
        Waiting(80, 0.02, 0.05, 0.11),
    ]
    assert linger(measured) == Choice(40, "4.1 % of a core, 99 of 100 events within 60 ms")


def test_a_machine_that_is_too_slow() -> None:
    """Without a setting in time, the quickest one is recommended."""
    measured = [Waiting(20, 0.05, 0.1, 0.5), Waiting(40, 0.04, 0.1, 0.3)]
    assert linger(measured) == Choice(40, "the lowest latency, but it is 300 ms")
