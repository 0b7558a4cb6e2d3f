import math

import pytest

from pellucid.training.schedules import SCHEDULES, Cosine, CosineRestarts, MultiStep

# Learning rates of the published program by iteration, counted from 1, where steps count from 0.
DUALDN = {
    1: 1e-5,
    39999: 1e-5,
    40000: 1e-5,
    40001: 6e-6,
    60000: 6e-6,
    60001: 3.6e-6,
    80001: 2.16e-6,
    100001: 1.296e-6,
    120000: 1.296e-6,
}
BIG = {
    1: 3e-4,
    50000: 3e-4,
    92000: 3e-4,
    92001: 3e-4,
    92002: 0.00029999999998294764,
    100000: 0.000298910248834932,
    150000: 0.00024621355424350467,
    200000: 0.00014147566853648296,
    250000: 4.1644475116622196e-05,
    299999: 1.0000000682093971e-06,
    300000: 1.0000000170523493e-06,
}


@pytest.mark.parametrize(
    ("schedule", "highest", "published"),
    [(MultiStep(), 1e-5, DUALDN), (CosineRestarts(), 3e-4, BIG)],
    ids=["DualDn", "its big model"],
)
def test_the_published_learning_rates(schedule, highest, published):
    for iteration, rate in published.items():
        ours = highest * schedule.factor(iteration - 1, max(published), highest)
        assert ours == pytest.approx(rate, rel=1e-10), iteration


def test_what_each_is_called():
    assert all(schedule().kind == kind for kind, schedule in SCHEDULES.items())


@pytest.mark.parametrize(
    "schedule", [Cosine(warmup_steps=3), MultiStep(), CosineRestarts()], ids=str
)
def test_a_share_of_the_highest_at_every_step(schedule):
    shares = [schedule.factor(step, 1000, 1e-3) for step in range(0, 400_000, 997)]
    assert all(0 <= share <= 1 for share in shares) and shares[-1] < 0.5


def test_warm_up_plateau_and_cosine():
    rates = [Cosine(warmup_steps=4, decay_share=0.5).factor(n, 100, 1e-3) for n in range(101)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1, 1]
    assert rates[50] == 1 and rates[75] == pytest.approx(0.5) and rates[100] == 0
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[60] == pytest.approx(0.5 + 0.5 * math.cos(0.2 * math.pi))
    assert Cosine(warmup_steps=0, decay_share=0).factor(100, 100, 1e-3) == 1


def test_a_restart_begins_high_again_and_the_end_stays_low():
    schedule = CosineRestarts(periods=(10, 20), lowest=(1e-4, 1e-5))
    before, after = (1e-3 * schedule.factor(step, 30, 1e-3) for step in (9, 10))
    assert 1e-4 < before < 1.5e-4 and after == pytest.approx(1e-3)
    assert [1e-3 * schedule.factor(step, 30, 1e-3) for step in (30, 99)] == [
        pytest.approx(1e-5)
    ] * 2


def test_a_cosine_may_end_after_the_run():
    whole, part = Cosine(warmup_steps=1), Cosine(warmup_steps=1, steps=200)
    assert [part.factor(step, 120, 1.0) for step in range(120)] == [
        whole.factor(step, 200, 1.0) for step in range(120)
    ]
