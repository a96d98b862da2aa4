import itertools
import os
import threading

import pytest

from sightline.hjepa.data.threads import map_ahead, num_threads, one_ahead


def double(number):
    if number == 7:
        raise ValueError("seven")
    return 2 * number


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("num_ahead", [0, 1, 100])
def test_results_come_in_the_order_of_the_items(threads, num_ahead):
    results = map_ahead(double, range(7), num_threads=threads, num_ahead=num_ahead)
    assert list(results) == list(range(0, 14, 2))


def test_an_error_is_raised_where_its_result_is_due_and_no_thread_is_left():
    before = threading.active_count()
    results = map_ahead(double, itertools.count(), num_threads=2, num_ahead=5)
    assert list(itertools.islice(results, 7)) == list(range(0, 14, 2))
    with pytest.raises(ValueError, match="seven"):
        next(results)
    assert threading.active_count() == before


def test_no_more_is_begun_than_asked():
    taken = []
    items = (taken.append(number) or number for number in itertools.count(10))
    results = map_ahead(double, items, num_threads=2, num_ahead=3)
    assert taken == []
    next(results)
    assert len(taken) == 4
    results.close()


def test_the_next_item_is_made_while_one_is_in_use():
    made = threading.Event()

    def items():
        yield "first"
        made.set()
        yield "second"

    ahead = one_ahead(items())
    assert next(ahead) == "first"
    assert made.wait(timeout=60)
    assert list(ahead) == ["second"]


def test_the_thread_can_be_prepared():
    names = []
    assert list(one_ahead(iter("ab"), start=lambda: names.append(threading.current_thread()))) == [
        *"ab"
    ]
    assert names != [threading.main_thread()]
    assert len(names) == 1


def test_an_error_of_the_items_comes_through():
    ahead = one_ahead(map(double, [6, 7]))
    assert next(ahead) == 12
    with pytest.raises(ValueError, match="seven"):
        next(ahead)


def test_threads_are_as_many_as_asked_or_one_a_core_that_may_be_used():
    assert num_threads(3) == 3
    assert 1 <= num_threads(0) <= (os.cpu_count() or 1)
