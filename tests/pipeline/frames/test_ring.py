import multiprocessing
import subprocess
import sys

import numpy as np
import pytest

from pipeline.frames.ring import (
    FrameRingReader,
    FrameRingWriter,
    RingError,
    clean_up_after_dead_owners,
    reading,
)


@pytest.fixture
def ring():
    writer = FrameRingWriter("cam1", (64, 48), slots=4)
    yield writer
    writer.close()


def picture(value: int) -> np.ndarray:
    return np.full((48, 64, 3), value, np.uint8)


def test_pixels_arrive_unchanged(ring):
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    slot, generation = ring.write(image, 123)
    with reading(ring.name) as reader:
        np.testing.assert_array_equal(reader.view(slot, generation), image)


def test_views_are_read_only(ring):
    slot, generation = ring.write(picture(1), 0)
    with reading(ring.name) as reader, pytest.raises(ValueError, match="read-only"):
        reader.view(slot, generation)[0, 0, 0] = 2


def test_writer_never_overwrites_what_is_not_released(ring):
    reader = FrameRingReader(ring.name)
    tickets = [ring.write(picture(value), value) for value in range(4)]
    assert ring.write(picture(9), 9) is None
    for value, ticket in enumerate(tickets):
        assert (reader.view(*ticket) == value).all()
    reader.release(*tickets[2])
    slot, generation = ring.write(picture(9), 9)
    assert slot == tickets[2][0]
    assert (reader.view(slot, generation) == 9).all()
    assert reader.view(*tickets[2]) is None
    assert ring.write(picture(10), 10) is None
    reader.close()


def test_slots_may_be_released_in_any_order(ring):
    with reading(ring.name) as reader:
        tickets = [ring.write(picture(value), value) for value in range(4)]
        for ticket in reversed(tickets):
            reader.release(*ticket)
        again = [ring.write(picture(value), value) for value in range(4)]
    assert None not in again
    assert {slot for slot, _ in again} == {0, 1, 2, 3}


def test_releasing_an_old_generation_frees_nothing(ring):
    with reading(ring.name) as reader:
        tickets = [ring.write(picture(value), value) for value in range(4)]
        reader.release(*tickets[0])
        ring.write(picture(5), 5)
        reader.release(*tickets[0])
        assert ring.write(picture(6), 6) is None


def test_a_new_consumer_frees_what_the_old_one_held(ring):
    tickets = [ring.write(picture(value), value) for value in range(4)]
    with_last = FrameRingReader(ring.name, free_before=tickets[3][1])
    assert [ring.write(picture(9), 9) is not None for _ in range(4)] == [True, True, True, False]
    assert (with_last.view(*tickets[3]) == 3).all(), "what it was told of is kept"
    with_last.close()


def test_peek_copies_the_newest(ring):
    with reading(ring.name) as reader:
        assert reader.peek() is None
        ring.write(picture(1), 10)
        ring.write(picture(2), 20)
        time_ns, image = reader.peek()
    assert time_ns == 20
    assert (image == 2).all()


def test_a_frame_is_found_by_its_time(ring):
    with reading(ring.name) as reader:
        for value in range(4):
            ring.write(picture(value), 100 + value)
        assert (reader.find(102) == 2).all()
        assert reader.find(104) is None


def test_frames_nobody_takes_are_shown_to_who_peeks_and_only_then(ring):
    with reading(ring.name) as reader:
        tickets = [ring.write(picture(value), value) for value in range(4)]
        ring.show(picture(50), 50)
        assert reader.peek()[0] == 3, "nobody had peeked, so nothing was copied"
        for value in (51, 52, 53):
            assert ring.write(picture(value), value) is None, "the consumer has left no slot free"
            ring.show(picture(value), value)
            time_ns, image = reader.peek()
            assert time_ns == value
            assert (image == value).all()
            assert (reader.find(value) == value).all()
            assert reader.newest_ns == value
        assert all((reader.view(*ticket) == value).all() for value, ticket in enumerate(tickets))
        reader.release(*tickets[0])
        assert ring.write(picture(60), 60) is not None
        assert reader.peek()[0] == 60


def test_what_is_drawn_on_the_canvas_is_handed_over_in_place(ring):
    with reading(ring.name) as reader:
        for value in range(1, 10):
            canvas = ring.canvas()
            canvas[:] = value
            assert ring.canvas() is canvas, "not handed over yet"
            slot, generation = ring.write(canvas, value)
            seen = reader.view(slot, generation)
            assert (seen == value).all()
            assert reader.peek()[0] == value
            canvas[0, 0, 0] = 77  # the very memory
            assert seen[0, 0, 0] == 77
            reader.release(slot, generation)


def test_nobody_sees_a_picture_that_is_being_drawn(ring):
    with reading(ring.name) as reader:
        tickets = [ring.write(picture(value), value) for value in range(1, 5)]
        assert ring.canvas() is None, "the consumer has left no slot free"
        reader.release(*tickets[0])
        ring.canvas()[:] = 200
        assert reader.find(1) is None
        assert reader.view(*tickets[0]) is None
        assert [(reader.find(value) == value).all() for value in (2, 3, 4)] == [True] * 3


def test_a_canvas_that_the_consumer_does_not_get_is_shown_without_a_copy_and_free_again(ring):
    with reading(ring.name) as reader:
        for value in range(1, 12):
            canvas = ring.canvas()
            canvas[:] = value
            ring.show(canvas, value)
            time_ns, image = reader.peek()
            assert (time_ns, int(image[0, 0, 0])) == (value, value)
            assert (reader.find(max(1, value - 2)) == max(1, value - 2)).all(), "older ones stay for a while"
        assert [ring.write(picture(9), 9) is not None for _ in range(5)] == [True] * 4 + [False]


def test_another_picture_goes_where_the_canvas_was_and_no_slot_is_lost(ring):
    for value in range(20):
        ring.canvas()[:] = 100
        slot, generation = ring.write(picture(value), value)
        with reading(ring.name) as reader:
            assert (reader.view(slot, generation) == value).all()
        ring.canvas()
        ring.release_all()
    assert [ring.write(picture(9), 9) is not None for _ in range(5)] == [True] * 4 + [False]


def test_a_picture_that_is_still_held_does_not_keep_the_ring_open():
    ring = FrameRingWriter("cam9", (64, 48), slots=4)
    held = ring.canvas()
    ring.close()
    held[:] = 3  # still mapped here
    with pytest.raises(RingError, match="gone"):
        FrameRingReader(ring.name)


def test_another_consumer_starts_with_all_slots_free(ring):
    with reading(ring.name) as reader:
        for value in range(4):
            ring.write(picture(value), value)
        reader.want(10**9)
        assert ring.write(picture(9), 9) is None
        ring.release_all()
        assert ring.wanted_interval_ns == 0
        assert [ring.write(picture(9), 9) is not None for _ in range(5)] == [True] * 4 + [False]


def test_a_copy_may_shrink(ring):
    with reading(ring.name) as reader:
        ring.write(picture(7), 70)
        half = lambda image: image[::2, ::2].copy()  # noqa: E731
        assert reader.peek(half)[1].shape == (24, 32, 3)
        assert reader.find(70, half).shape == (24, 32, 3)


def test_wrong_size_is_refused(ring):
    with pytest.raises(RingError, match="the ring holds"):
        ring.write(np.zeros((10, 10, 3), np.uint8), 0)


def test_missing_ring_is_a_clear_error():
    with pytest.raises(RingError, match="gone"):
        FrameRingReader("posestage-1-nothing")


def test_foreign_memory_is_refused():
    from multiprocessing.shared_memory import SharedMemory

    memory = SharedMemory("posestage-test-foreign", create=True, size=8192)
    try:
        with pytest.raises(RingError, match="not a frame ring"):
            FrameRingReader("posestage-test-foreign")
    finally:
        memory.close()
        memory.unlink()


def _read_elsewhere(name: str, slot: int, generation: int, answers) -> None:
    with reading(name) as reader:
        answers.put(int(reader.view(slot, generation).max()))
        reader.release(slot, generation)


def test_another_process_reads_and_its_end_does_not_unlink(ring):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    slot, generation = ring.write(picture(77), 0)
    process = context.Process(target=_read_elsewhere, args=(ring.name, slot, generation, answers))
    process.start()
    assert answers.get(timeout=30) == 77
    process.join()
    with reading(ring.name) as reader:
        assert (reader.view(slot, generation) == 77).all()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems free shared memory by themselves")
def test_rings_of_killed_processes_are_removed():
    script = (
        "import os, signal\n"
        "from multiprocessing import resource_tracker\n"
        "resource_tracker.register = lambda *_: None\n"
        "from pipeline.frames.ring import FrameRingWriter\n"
        "print(FrameRingWriter('cam1', (64, 48)).name, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    name = run.stdout.strip()
    assert name in clean_up_after_dead_owners()
    with pytest.raises(RingError):
        FrameRingReader(name)


def test_the_consumer_sets_the_pace(ring):
    with reading(ring.name) as reader:
        assert ring.wanted_interval_ns == 0
        reader.want(50_000_000)
        assert ring.wanted_interval_ns == 50_000_000
