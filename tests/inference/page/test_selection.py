"""Which rows a page shows."""

from fundus_unet.inference.page.selection import Selection
from fundus_unet.inference.record import Record


def selected(statuses: list[str], most: int) -> tuple[list[int], Selection]:
    selection = Selection(most)
    for number, status in enumerate(statuses):
        selection.add(Record(str(number), status))
    return [int(record.image) for record in selection.rows()], selection


def test_all_in_their_order_where_there_is_room():
    shown, selection = selected(["ok", "error", "skipped", "warning"], 4)
    assert shown == [0, 1, 2, 3]
    assert (selection.total, selection.counts["ok"]) == (4, 1)


def test_of_too_many_those_with_a_message_come_first_and_all_are_counted():
    shown, selection = selected(["ok"] * 5 + ["error", "ok", "warning"], 4)
    assert shown == [0, 1, 5, 7]
    assert selection.counts == {"ok": 6, "error": 1, "warning": 1}
    assert selected(["warning"] * 5 + ["ok"], 4)[0] == [0, 1, 2, 3]


def test_memory_does_not_grow_with_the_table():
    _, selection = selected(["ok"] * 1000 + ["error"] * 1000, 10)
    assert len(selection._flagged) + len(selection._others) == 20
