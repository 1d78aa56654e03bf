import itertools

from fundus_unet.core.seeding import generator_for


def first(*key) -> int:
    return int(generator_for(*key).bit_generator.random_raw())


def test_a_stream_is_the_same_in_every_process_and_version():
    assert first(3, "patches", 1, 2) == 14087267831923028019


def test_streams_do_not_depend_on_who_draws_first():
    expected = generator_for(0, "patches", 1).random(3)
    generator_for(0, "augment", 1).random(100)
    assert (generator_for(0, "patches", 1).random(3) == expected).all()


def test_every_part_of_the_key_matters():
    keys = [
        (seed, purpose, *index)
        for seed, purpose, index in itertools.product(
            (0, 1), ("a", "b"), ((), (0,), (0, 0), (1,), (2,), (1, 2), (2, 1), (1, 1), (0, 1))
        )
    ]
    assert len({first(*key) for key in keys}) == len(keys)
