"""The process that looks up names: slow answers, crashes, its end. Real processes throughout."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from laurel_mp.pipeline.host import name_service
from laurel_mp.pipeline.host.name_service import NameService
from laurel_mp.processes.users import Answer, Answers, Kind, Names, Question
from tests.support.waiting import wait_until

PATIENT = 60.0
"""Seconds of budget where a test is not about time."""


def user(number: int) -> Question:
    """A question about a user."""
    return Question(Kind.USER, number)


def echo(question: Question) -> Answer:
    """A resolver that answers at once."""
    return (b"%d.%d" % question,)


@contextmanager
def running(
    resolve: Callable[[Question], Answer], budget: float = PATIENT, pause: float = 0.0
) -> Iterator[NameService]:
    """A service for the length of a block."""
    service = NameService(resolve, budget, pause)
    service.start()
    try:
        yield service
    finally:
        service.close()


class Gate:
    """Holds a resolver up until it is opened, in any process.

    Named pipes, as the resolver closes all descriptors but its own.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "gate"
        os.mkfifo(self._path)

    def resolve(self, question: Question) -> Answer:
        """Waits, if asked about an even number."""
        if question.number % 2 == 0:
            self._path.read_bytes()
        return echo(question)

    def open(self) -> None:
        """Lets one look-up pass, which has begun or will."""
        self._path.write_bytes(b"")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """A gate that is closed."""
    return Gate(tmp_path)


def late(service: NameService, count: int = 1) -> Answers:
    """Waits for late answers."""
    found: Answers = []

    def collect() -> bool:
        found.extend(service.late())
        return len(found) >= count

    wait_until(collect, "late answers")
    return found


def resolver_of(service: NameService) -> psutil.Process:
    """The process that asks NSS."""
    keeper = psutil.Process(service._keeper)
    found: list[psutil.Process] = []

    def look() -> bool:
        found.extend(keeper.children())
        return bool(found)

    wait_until(look, "the keeper has a child")
    return found[0]


def test_an_answer_in_time() -> None:
    """A resolver that is quick answers the question at hand."""
    with running(echo) as service:
        assert [(user(5), (b"0.5",))] == service.ask(user(5))
        assert service.statistics()[:3] == (1, 1, 0)


def test_names_through_nss() -> None:
    """The user database of this host is asked by the other process."""
    expected = Names()
    service = NameService(budget=PATIENT)
    service.start()
    try:
        found = Names(service)

        assert expected.user(0) == found.user(0)
        assert expected.group(0) == found.group(0)
        assert expected.groups_of(0) == found.groups_of(0)
        assert found.user(4294960000) == b"unknown(4294960000)"
    finally:
        service.close()


def test_a_slow_answer_comes_late(gate: Gate) -> None:
    """The question goes unanswered when the budget is spent; the answer serves later ones."""
    with running(gate.resolve, budget=0.01) as service:
        assert service.ask(user(2)) == []
        gate.open()
        assert [(user(2), (b"0.2",))] == late(service)
        assert service.statistics()[:3] == (1, 0, 1)


def test_no_wait_behind_a_slow_answer(gate: Gate) -> None:
    """While a question is overdue, all others are answered at once, and asked all the same."""
    with running(gate.resolve, budget=0.01) as service:
        service.ask(user(2))
        waited = service.statistics().waited
        assert [answer for number in (1, 3, 5) for answer in service.ask(user(number))] == []
        assert waited == service.statistics().waited
        gate.open()
        assert [user(number) for number in (2, 1, 3, 5)] == [
            question for question, _ in late(service, 4)
        ]


def test_a_question_is_asked_once(gate: Gate) -> None:
    """An id that occurs again while its answer is due is not asked again."""
    with running(gate.resolve, budget=0.01) as service:
        for _ in range(3):
            service.ask(user(2))
        assert service.statistics().asked == 1
        gate.open()
        late(service)


def test_a_late_answer_comes_with_the_next_question(gate: Gate) -> None:
    """A question returns all answers so far, and does not wait for known ones."""
    with running(gate.resolve, budget=0.01) as service:
        service.ask(user(2))
        gate.open()
        found: Answers = []

        def ask_again() -> bool:
            found.extend(service.ask(user(2)))
            return bool(found)

        wait_until(ask_again, "the answer")
        assert [(user(2), (b"0.2",))] == found


def test_waiting_is_paid_from_a_budget() -> None:
    """Waits use up the budget; a share of the time that passes refills it."""
    # Questions at 1, 1.04 and 2.07 s; the answers to them seem to take 30, 30 and 10 ms.
    times = iter([0.0, 1.0, 1.03, 1.04, 1.07, 2.07, 2.08])
    service = NameService(echo, budget=0.1, clock=lambda: next(times))
    service.start()
    budgets = []
    try:
        for number in range(3):
            if not service.ask(user(number)):
                late(service)
            budgets.append(round(service._budget, 6))
    finally:
        service.close()
    share = name_service.SHARE
    first = 0.1 - 0.03
    second = first + 0.01 * share - 0.03
    third = second + 1.0 * share - 0.01

    assert [round(budget, 6) for budget in (first, second, third)] == budgets
    assert round(service.statistics().waited, 6) == 0.07


def test_the_budget_fills_up_again() -> None:
    """After a while there is time to wait again."""
    now = [0.0]
    service = NameService(echo, budget=PATIENT, clock=lambda: now[0])
    service._budget = 0.0
    service.start()
    try:
        now[0] = PATIENT / name_service.SHARE

        assert [(user(5), (b"0.5",))] == service.ask(user(5))
    finally:
        service.close()


def test_few_questions_are_on_their_way(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions beyond the limit are refused, and may be asked again."""
    monkeypatch.setattr(name_service, "MAX_PENDING", 3)
    with running(gate.resolve, budget=0.0) as service:
        for number in (2, 1, 3, 5, 7):
            service.ask(user(number))
        assert (service.statistics().asked, service.statistics().refused) == (3, 2)
        gate.open()
        late(service, 3)
        assert [(user(5), (b"0.5",))] == (service.ask(user(5)) or late(service))


def crash_on_13(question: Question) -> Answer:
    """A resolver that one question kills."""
    if question.number == 13:
        os.kill(os.getpid(), signal.SIGSEGV)
    return echo(question)


def test_a_crash_costs_one_answer() -> None:
    """The question of a crashed resolver is a miss; the next resolver answers the others."""
    with running(crash_on_13) as service:
        assert [(user(13), ())] == service.ask(user(13))
        assert [(user(5), (b"0.5",))] == service.ask(user(5))
        assert service.statistics().crashes == 1


def test_a_resolver_that_is_killed_while_idle() -> None:
    """Questions after that are answered by the next one."""
    with running(echo) as service:
        resolver = resolver_of(service)
        resolver.kill()
        wait_until(lambda: resolver_of(service) != resolver, "another resolver")
        assert [(user(5), (b"0.5",))] == service.ask(user(5))
        assert service.statistics().crashes == 1


def test_the_next_resolver_starts_after_a_pause() -> None:
    """A module of NSS that crashes each time does not keep the machine busy."""
    with running(crash_on_13, budget=0.01, pause=3600) as service:
        assert [(user(13), ())] == (service.ask(user(13)) or late(service))
        assert service.ask(user(5)) == []
        assert psutil.Process(service._keeper).children() == []


def fail(question: Question) -> Answer:
    """A resolver with a fault."""
    raise RuntimeError(question)


def test_a_resolver_that_fails() -> None:
    """An exception is as good as a crash."""
    with running(fail) as service:
        assert [(user(5), ())] == service.ask(user(5))


def test_without_a_keeper_nothing_is_known() -> None:
    """Without keeper and resolver each question is refused at once."""
    with running(echo, pause=3600) as service:
        resolver = resolver_of(service)
        os.kill(service._keeper, signal.SIGKILL)
        wait_until(lambda: not is_running(resolver), "the resolver ends with its keeper")
        assert [service.ask(user(5)), service.ask(user(6))] == [[], []]
        assert not service._pending


def test_the_keeper_is_replaced() -> None:
    """When all is gone, after a pause there are others."""
    with running(echo) as service:
        os.kill(service._keeper, signal.SIGKILL)
        wait_until(lambda: service.ask(user(5)), "there is an answer again")


def test_unread_questions(gate: Gate) -> None:
    """When all is gone with questions on their way, these are given up."""
    with running(gate.resolve, budget=0.0) as service:
        resolver = resolver_of(service)
        for number in (2, 1, 3):
            service.ask(user(number))
        os.kill(service._keeper, signal.SIGKILL)
        wait_until(lambda: not is_running(resolver), "the resolver ends with its keeper")
        assert service.late() == []
        assert not service._pending


def test_before_the_start_and_after_the_end_nothing_is_known() -> None:
    """A service that does not run answers nothing, without an error."""
    service = NameService(echo)
    before = service.ask(user(5))
    service.start()
    service.close()
    service.close()

    assert [before, service.ask(user(5)), service.late()] == [[], [], []]


def is_running(process: psutil.Process) -> bool:
    """Returns True if a process lives and is no zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_close_ends_a_look_up_that_hangs(gate: Gate) -> None:
    """`close` does not wait for a directory service."""
    with running(gate.resolve, budget=0.01) as service:
        service.ask(user(2))
        processes = [psutil.Process(service._keeper), resolver_of(service)]

    wait_until(lambda: not any(map(is_running, processes)), "both have ended")


def test_both_end_with_the_client(gate: Gate) -> None:
    """When the client is killed, no process is left behind, not even one that hangs."""
    ready, tell = os.pipe()
    client = os.fork()
    if client == 0:
        try:
            service = NameService(gate.resolve, budget=0.01)
            service.start()
            service.ask(user(2))
            os.write(tell, b"%d %d" % (service._keeper, resolver_of(service).pid))
            signal.pause()
        finally:
            os._exit(1)
    processes = [psutil.Process(int(pid)) for pid in os.read(ready, 100).split()]
    os.kill(client, signal.SIGKILL)
    os.waitpid(client, 0)
    os.close(ready)
    os.close(tell)

    assert len(processes) == 2
    wait_until(lambda: not any(map(is_running, processes)), "both have ended")


def test_signals_to_the_group_are_not_for_the_helpers() -> None:
    """A ^C or a SIGTERM to all processes does not cost any names."""
    with running(echo) as service:
        for process in (psutil.Process(service._keeper), resolver_of(service)):
            service.ask(user(1))  # both have started
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                process.send_signal(number)

        assert [(user(5), (b"0.5",))] == service.ask(user(5))
        assert service.statistics().crashes == 0


def test_helpers_hold_nothing_open() -> None:
    """The reader of a pipe of the client sees its end when the client closes it."""
    read, write = os.pipe()
    with running(echo) as service:
        service.ask(user(1))
        os.close(write)

        assert os.read(read, 1) == b""
    os.close(read)


def test_decoding_is_not_held_up(gate: Gate) -> None:
    """A hundred ids cost no more than one deadline while the directory hangs."""
    with running(gate.resolve, budget=0.05) as service:
        found = Names(service)

        assert [b"unknown(%d)" % number for number in range(100)] == [
            found.user(number) for number in range(100)
        ]
        assert service.statistics().waited < 1.0
