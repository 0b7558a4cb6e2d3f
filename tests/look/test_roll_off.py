import torch

from pellucid.look.roll_off import KNEE, WHITE, roll_to_white, rolled_slope


def test_roll_to_white_is_smooth_monotone_and_keeps_hue():
    levels = torch.linspace(0, 1.2 * WHITE, 40_001, dtype=torch.float64)
    colour = torch.tensor([1.0, 0.4, -0.1], dtype=torch.float64)
    light = (colour[:, None] * levels)[:, None]
    rolled = roll_to_white(light)
    assert rolled.max() < 1 + 1e-12 and (rolled.clamp(min=0).diff() >= -1e-12).all()
    assert torch.equal(rolled[..., levels < KNEE], light[..., levels < KNEE])
    assert (rolled[..., levels >= WHITE] - 1).abs().max() < 1e-12
    shown = rolled[:, 0, (levels > 0.1) & (levels < 3.9)]
    share = (shown[1] - shown[2]) / (shown[0] - shown[2])
    assert (share - 0.5 / 1.1).abs().max() < 1e-9
    assert (rolled.diff() / levels.diff()).diff().abs().max() < 0.05


def test_what_is_nearly_white_is_white_from_one_on():
    pale = torch.tensor([1.05, 1.0, 0.96])[:, None, None]
    assert roll_to_white(pale).amin() > 0.98
    orange = torch.tensor([1.05, 0.6, 0.2])[:, None, None]
    assert roll_to_white(orange)[1] < 0.65


def test_the_way_to_white_can_be_trained_through():
    colours = [
        [0.97, 0.5, 0.1],
        [2.0, 1.2, 0.3],
        [0.4, 0.3, 0.2],
        [1.02, 0.9, 0.8],
        [0.97, 0.99, 0.9],
    ]
    light = torch.tensor(colours, dtype=torch.float64)
    light = light.T[:, None].clone().requires_grad_()
    assert torch.autograd.gradcheck(roll_to_white, light)
    jacobian = torch.autograd.functional.jacobian(roll_to_white, light)
    own = torch.einsum("cyxcyx->cyx", jacobian)
    assert torch.allclose(rolled_slope(light.detach()), own)
