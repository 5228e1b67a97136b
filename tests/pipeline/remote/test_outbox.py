from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.remote.outbox import WINDOW_BYTES, Gap, Item, Outbox, Picture

PERIOD_NS = 10


def send_all(outbox: Outbox) -> list[Item]:
    items = []
    while (item := outbox.take()) is not None:
        items.append(item)
    return items


def test_pictures_leave_in_order_and_are_kept_until_acknowledged() -> None:
    outbox = Outbox(1000, 10**9)
    for number in range(5):
        outbox.add(number * PERIOD_NS, b"x" * 10, "full")
    assert [item.index for item in send_all(outbox)] == [0, 1, 2, 3, 4]
    outbox.acknowledge(1)
    assert outbox.totals().delivered == 2
    outbox.rewind()
    assert [item.index for item in send_all(outbox)] == [2, 3, 4]


def test_no_more_than_a_window_is_on_its_way() -> None:
    outbox = Outbox(100 * WINDOW_BYTES, 10**9)
    for number in range(6):
        outbox.add(number, bytes(WINDOW_BYTES // 2 + 1), "full")
    assert len(send_all(outbox)) == 1
    outbox.acknowledge(0)
    assert len(send_all(outbox)) == 1
    small = Outbox(10**6, 10**9)
    for number in range(200):
        small.add(number, b"x", "full")
    assert len(send_all(small)) == 64


def test_a_picture_larger_than_the_window_still_goes() -> None:
    outbox = Outbox(4 * WINDOW_BYTES, 10**9)
    outbox.add(0, bytes(2 * WINDOW_BYTES), "full")
    assert len(send_all(outbox)) == 1


def test_the_oldest_make_room_and_stay_in_the_books() -> None:
    outbox = Outbox(50, 10**9)
    for number in range(10):
        outbox.add(100 + number * PERIOD_NS, b"x" * 10, "network_cut")
    gap, *pictures = send_all(outbox)
    assert gap == Gap(0, 5, 100, 140, "network_cut")
    assert [item.index for item in pictures] == [5, 6, 7, 8, 9]
    assert outbox.totals().dropped == {"network_cut": 5}


def test_pictures_do_not_wait_longer_than_asked() -> None:
    outbox = Outbox(10**6, 35)
    for number in range(10):
        outbox.add(number * PERIOD_NS, b"x", "network_behind")
    gap, *pictures = send_all(outbox)
    assert gap.last == 5
    assert [item.index for item in pictures] == [6, 7, 8, 9]


def test_losses_of_different_causes_stay_apart() -> None:
    outbox = Outbox(10**6, 10**9)
    outbox.lose(2, 0, 10, "lost_by_camera")
    outbox.lose(1, 20, 20, "lost_by_camera")
    outbox.lose(1, 30, 30, "camera_away")
    outbox.add(40, b"x", "full")
    assert [(item.index, item.last) for item in send_all(outbox)] == [(0, 2), (3, 3), (4, 4)]


def test_what_nobody_fetches_is_counted() -> None:
    outbox = Outbox(10**6, 10**9)
    for number in range(5):
        outbox.add(number, b"x", "full")
    send_all(outbox)
    outbox.acknowledge(0)
    outbox.give_up("not_fetched")
    totals = outbox.totals()
    assert (totals.captured, totals.delivered, totals.waiting) == (5, 1, 0)
    assert totals.dropped == {"not_fetched": 4}
    assert (totals + totals).dropped == {"not_fetched": 8}


actions = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 40)),
        st.tuples(st.just("lose"), st.integers(1, 5)),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("acknowledge"), st.integers(-1, 8)),
        st.tuples(st.just("rewind"), st.just(0)),
        st.tuples(st.just("cause"), st.integers(0, 2)),
    ),
    max_size=120,
)


@settings(max_examples=150, deadline=None)
@given(actions)
def test_the_books_are_right_whatever_happens(doings: list[tuple[str, int]]) -> None:
    """A host knows every frame exactly once from what is sent, and the sender's ledger always adds up."""
    most = 100
    outbox = Outbox(most, 30 * PERIOD_NS)
    now, cause, causes = 0, "network_cut", ("network_cut", "network_behind", "other")
    known: dict[int, str] = {}
    arrived: list[Item] = []
    for what, number in doings:
        if what == "add":
            now += PERIOD_NS
            outbox.add(now, bytes(number), cause)
        elif what == "lose":
            outbox.lose(number, now + 1, now + number, "lost_by_camera")
            now += number
        elif what == "cause":
            cause = causes[number]
        elif what == "take":
            for _ in range(number):
                item = outbox.take()
                if item is not None:
                    arrived.append(item)
        elif what == "rewind":
            outbox.rewind()
            arrived.clear()
        else:
            for item in arrived[: number + 1]:
                for index in range(item.index, item.last + 1):
                    known.setdefault(index, item.cause if isinstance(item, Gap) else "")
                assert sorted(known) == list(range(len(known))), "nothing is left out"
                outbox.acknowledge(item.last)
            del arrived[: number + 1]
        totals = outbox.totals()
        assert totals.captured == totals.delivered + totals.waiting + sum(totals.dropped.values())
        assert totals.delivered == sum(not why for why in known.values())
    # One picture is taken whatever its size.
    kept = [item for item in [*outbox._sent, *outbox._unsent] if isinstance(item, Picture)]
    assert sum(len(item.data) for item in kept) <= most + max((len(item.data) for item in kept), default=0)
