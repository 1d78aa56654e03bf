"""Lines are found by what they are about, in any number."""

import tracemalloc

from fundus_unet.core.line_index import Line, LineIndex


def test_lines_of_a_key_come_in_the_order_they_were_added() -> None:
    index = LineIndex()
    for number in range(300):
        index.add(f"key {number % 100}", Line(number % 3, 1000 - number, number))
    assert len(index) == 300
    assert [line.note for line in index.of("key 7")] == [7, 107, 207]
    assert index.of("key 7")[1] == Line(2, 893, 107)
    assert index.of("another") == []
    index.add("another", Line(9, 2**40, -(2**62)))
    index.add("key 7", Line(0, 0, 300))
    assert index.of("another") == [Line(9, 2**40, -(2**62))]
    assert [line.note for line in index.of("key 7")] == [7, 107, 207, 300]


def test_the_newest_of_others() -> None:
    index = LineIndex()
    assert list(index.newest_of_others([])) == []
    for start, key in enumerate("abcbad"):
        index.add(key, Line(start // 4, start, 0))
    assert [line.start for line in index.newest_of_others([])] == [2, 3, 4, 5]
    assert [line.start for line in index.newest_of_others(["a", "x"])] == [2, 3, 5]


def test_a_line_takes_little_memory() -> None:
    index, lines = LineIndex(), 20_000
    tracemalloc.start()
    for number in range(lines):
        index.add(f"a path of many folders and a long name {number}", Line(1, 300 * number, 2**62))
    index.of("none")
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / lines < 32
