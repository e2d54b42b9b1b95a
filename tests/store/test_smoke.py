def test_cast(cast):
    assert cast.event(cast.guest).tally.total == 2
