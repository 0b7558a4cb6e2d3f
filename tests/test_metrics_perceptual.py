"""LPIPS and DISTS by their formulas, with weights made up: the real ones are not ours to ship."""

import pytest
import torch

from pellucid.errors import FileError
from pellucid.metrics import Needs, Protocol, measures_of
from pellucid.metrics.perceptual import Dists, Lpips, read_weights

torchvision = pytest.importorskip("torchvision")
PAIR = torch.rand(2, 3, 64, 72, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def alex():
    from torchmetrics.functional.image.lpips import _LPIPS

    torch.manual_seed(0)
    return _LPIPS(net="alex", pnet_rand=True).eval()


def test_lpips_agrees_with_torchmetrics(alex, tmp_path):
    torch.save(alex.state_dict(), tmp_path / "all.pth")
    expected = alex(PAIR[:1] * 2 - 1, PAIR[1:] * 2 - 1).item()
    (measure,) = measures_of(["lpips"], Needs(lpips=(str(tmp_path / "all.pth"),)))
    compared = Protocol(rounded=False).compared(*PAIR)
    assert measure.of(compared) == pytest.approx(expected, rel=1e-4)
    assert measure.of(Protocol().compared(PAIR[0], PAIR[0])) == 0


def test_weights_may_lie_in_two_files(alex, tmp_path):
    weights = alex.state_dict()
    torch.save({n: w for n, w in weights.items() if n.startswith("lin")}, tmp_path / "lin.pth")
    features = torchvision.models.alexnet(weights=None).state_dict()
    torch.save(features, tmp_path / "alexnet.pth")
    paths = [tmp_path / "lin.pth", tmp_path / "alexnet.pth"]
    assert Lpips(read_weights(paths), "weights")(*PAIR) > 0
    with pytest.raises(FileError, match="lacks lin0.model.1.weight"):
        Lpips(read_weights(paths[1:]), "weights")


def test_dists_is_its_formula():
    """Written out again with torchvision's layers, for whole pictures."""
    torch.manual_seed(0)
    vgg = torchvision.models.vgg16(weights=None).features.eval()
    alpha, beta = torch.rand(1, 1475, 1, 1), torch.rand(1, 1475, 1, 1)
    weights = {f"features.{n}": w for n, w in vgg.state_dict().items()}
    got = Dists({**weights, "alpha": alpha, "beta": beta}, "weights")(*PAIR)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    seen, maps = (PAIR - mean[:, None, None]) / std[:, None, None], [PAIR]
    hann = torch.tensor([1.0, 2, 1]) / 4
    with torch.no_grad():
        for layer in vgg:
            if isinstance(layer, torch.nn.MaxPool2d):
                maps.append(seen)
                kernel = torch.outer(hann, hann).repeat(seen.shape[1], 1, 1, 1)
                squares = torch.nn.functional.conv2d(
                    seen**2, kernel, stride=2, padding=1, groups=len(kernel)
                )
                seen = (squares + 1e-12).sqrt()
            else:
                seen = layer(seen)
    x, y = (torch.cat([m[k].flatten(1).mean(1) for m in maps]) for k in (0, 1))
    vx, vy = (torch.cat([m[k].flatten(1).var(1, correction=0) for m in maps]) for k in (0, 1))
    both = torch.cat([(m[0] * m[1]).flatten(1).mean(1) for m in maps]) - x * y
    texture = (2 * x * y + 1e-6) / (x**2 + y**2 + 1e-6)
    structure = (2 * both + 1e-6) / (vx + vy + 1e-6)
    total = alpha.sum() + beta.sum()
    expected = 1 - (alpha.flatten() * texture + beta.flatten() * structure).sum() / total
    assert got == pytest.approx(expected.item(), rel=1e-4)
    assert Dists({**weights, "alpha": alpha, "beta": beta}, "w")(PAIR[0], PAIR[0]) == pytest.approx(
        0, abs=1e-5
    )
