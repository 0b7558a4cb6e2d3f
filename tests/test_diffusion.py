from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pellucid.diffusion import ScheduleConfig, betas, levels, q_sample

GOLDEN = load_file(Path(__file__).parent / "golden" / "noiseda" / "critic.safetensors")
KINDS = ("linear", "quad", "const", "jsd", "warmup10", "warmup50", "cosine")


@pytest.mark.parametrize("kind", KINDS)
def test_variances_are_the_published_ones(kind):
    torch.testing.assert_close(
        betas(ScheduleConfig(kind)), GOLDEN[f"betas/{kind}"], atol=1e-9, rtol=0
    )


def test_levels_are_the_published_ones():
    gammas = ScheduleConfig().build().gammas
    torch.testing.assert_close(gammas, GOLDEN["gammas_linear"], atol=1e-7, rtol=0)
    assert gammas.dtype == torch.float32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [10, 100, 1000])
def test_levels_fall_from_clean_and_stay_positive(kind, steps):
    gammas = levels(betas(ScheduleConfig(kind, steps)))
    assert len(gammas) == steps
    assert 0.9 - 1 / steps <= gammas[0] < 1 and gammas[-1] >= 0
    assert (gammas.diff() < 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_levels_lie_between_a_step_and_the_one_before(kind):
    schedule = ScheduleConfig(kind).build()
    steps, between = schedule.draw(500, torch.Generator().manual_seed(0))
    drawn = schedule.at(steps, between)
    assert (drawn <= schedule.gammas[steps - 1]).all() and (drawn >= schedule.gammas[steps]).all()
    assert torch.equal(schedule.at(steps, 0 * between), schedule.gammas[steps - 1])


def test_between_is_uniform():
    schedule, steps = ScheduleConfig().build(), torch.tensor([1, 500, 999])
    ends = (schedule.gammas[steps - 1] + schedule.gammas[steps]) / 2
    torch.testing.assert_close(schedule.at(steps, torch.full((3,), 0.5)), ends)


@pytest.mark.parametrize(("lowest", "highest"), [(1, None), (1, 100), (900, 999), (7, 7)])
def test_steps_are_drawn_from_the_whole_range_and_no_others(lowest, highest):
    schedule = ScheduleConfig(lowest=lowest, highest=highest).build()
    steps, between = schedule.draw(20_000, torch.Generator().manual_seed(1))
    assert (steps.min(), steps.max()) == (lowest, highest or 999)
    assert between.min() >= 0 and 0.99 < between.max() < 1


def test_without_between_levels_are_those_of_the_steps_and_draws_stay():
    plain, continuous = ScheduleConfig(between=False).build(), ScheduleConfig().build()
    drawn = [s.draw(9, torch.Generator().manual_seed(2)) for s in (plain, continuous)]
    assert all(torch.equal(a, b) for a, b in zip(*drawn, strict=True))
    assert torch.equal(plain.at(*drawn[0]), plain.gammas[drawn[0][0]])


@pytest.mark.parametrize(("lowest", "highest"), [(0, None), (1, 1000), (6, 5)])
def test_steps_that_there_are_not_are_refused(lowest, highest):
    with pytest.raises(ValueError, match=f"{lowest} to .*; expected from 1 to 999"):
        ScheduleConfig(lowest=lowest, highest=highest).build()


def test_noise_has_the_moments_of_its_level():
    clean, level = torch.full((4, 3, 64, 64), 2.0), torch.tensor([0.99, 0.5, 0.1, 0.0])
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(3))
    noisy = q_sample(clean, level, noise)
    count = noisy[0].numel()
    for picture, gamma in zip(noisy, level, strict=True):
        std = (1 - gamma).sqrt()
        assert abs(picture.mean() - 2 * gamma.sqrt()) < 4 * std / count**0.5
        assert abs(picture.std() - std) < 4 * std / (2 * count) ** 0.5


def test_clean_is_found_again_from_noise_and_level():
    clean, noise = torch.rand(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    level = torch.tensor([0.7, 0.2])
    root = level[:, None, None, None].sqrt()
    found = (q_sample(clean, level, noise) - (1 - root**2).sqrt() * noise) / root
    torch.testing.assert_close(found, clean)


def test_half_precision_is_noised_in_single():
    picture = torch.rand(2, 3, 4, 4)
    level = torch.tensor([1 - 1e-6, 0.5])
    noisy = q_sample(picture.bfloat16(), level, torch.randn_like(picture).bfloat16())
    assert noisy.dtype == torch.float32


def test_levels_are_no_part_of_a_state():
    assert not ScheduleConfig().build().state_dict()
