"""The newest item wins, and nobody spins."""

from __future__ import annotations

import threading

from rtcnn_perception.nodes.latest import LatestSlot


def test_empty_slot_gives_nothing_when_the_time_is_up():
    slot = LatestSlot[int]()
    assert slot.take(timeout=0.0) is None
    assert slot.dropped == 0


def test_an_item_is_taken_once():
    slot = LatestSlot[int]()
    slot.put(0)
    assert slot.take(timeout=0.0) == 0
    assert slot.take(timeout=0.0) is None
    assert slot.dropped == 0


def test_the_newest_item_wins_and_older_ones_are_counted():
    slot = LatestSlot[int]()
    for item in range(5):
        slot.put(item)
    assert slot.take(timeout=0.0) == 4
    assert slot.dropped == 4


def test_a_taker_that_waits_gets_what_another_thread_puts():
    slot = LatestSlot[str]()
    taken: list[str | None] = []
    taker = threading.Thread(target=lambda: taken.append(slot.take(timeout=10.0)), daemon=True)
    taker.start()
    slot.put('frame')
    taker.join(timeout=10.0)
    assert taken == ['frame']


def test_closing_wakes_every_taker_that_waits_without_limit():
    slot = LatestSlot[int]()
    taken: list[int | None] = []
    takers = [
        threading.Thread(target=lambda: taken.append(slot.take()), daemon=True) for _ in range(3)
    ]
    for taker in takers:
        taker.start()
    slot.close()
    for taker in takers:
        taker.join(timeout=10.0)
    assert taken == [None, None, None]


def test_a_closed_slot_takes_nothing_and_holds_nothing():
    slot = LatestSlot[int]()
    assert slot.put(1)
    slot.close()
    assert not slot.put(2)
    assert slot.take() is None
    assert slot.dropped == 1, 'what waited is counted, what was refused is not'


def test_every_item_of_many_threads_is_either_taken_or_counted():
    slot = LatestSlot[int]()
    taken: list[int] = []

    def take_all() -> None:
        while (item := slot.take()) is not None:
            taken.append(item)

    def put_all(first: int) -> None:
        for item in range(first, first + 500):
            slot.put(item)

    taker = threading.Thread(target=take_all, daemon=True)
    taker.start()
    putters = [
        threading.Thread(target=put_all, args=(first,), daemon=True) for first in (0, 500, 1000)
    ]
    for putter in putters:
        putter.start()
    for putter in putters:
        putter.join()
    last = slot.take(timeout=0.0)
    slot.close()
    taker.join(timeout=10.0)
    assert len(taken) + (last is not None) + slot.dropped == 1500
    assert len(set(taken)) == len(taken)
