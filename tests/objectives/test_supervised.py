"""The supervised objective's two truths."""

from dataclasses import replace

import pytest
import torch

from pellucid.bayer import mosaic_of
from pellucid.benchmarks.dnd import DndShot
from pellucid.benchmarks.dual import DualShot
from pellucid.benchmarks.raw_models import RawModel, RawShot
from pellucid.checkpoint import load_network, save_network
from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.sources import CleanRaw
from pellucid.data.synthesis import RawSynthesis, Sample, SyntheticRaw, generator_of
from pellucid.isp import ISPConfig, Rendering, render, render_linear
from pellucid.networks.dual_domain import DualDomainConfig, Restored
from pellucid.objectives.supervised import Supervised
from pellucid.raw import Camera, Noise, RawImage
from pellucid.restore import Restorer
from pellucid.training.raw import Training

CONFIG = DualDomainConfig()
NET = CONFIG.build()


def sample() -> Sample:
    """A batch of one."""
    one = SyntheticRaw([DeadLeaves()], [1.0], RawSynthesis(), 64, seed=0)[3]
    return torch.utils.data.default_collate([one])


def test_a_sample_has_the_colours_that_its_mosaic_was_taken_of():
    batch = sample()
    assert batch.colour.shape == (1, 3, 64, 64)
    assert torch.equal(mosaic_of(batch.colour), batch.clean)


def colours(batch: Sample) -> torch.Tensor:
    """The scene, developed."""
    return render_linear(batch.colour, batch.camera, batch.rendering, ISPConfig())


@pytest.mark.parametrize("truth", ["mosaic", "colour"])
def test_each_truth_is_perfect_for_its_own_loss_alone(truth):
    batch = sample()
    pictures = {
        "mosaic": render(batch.clean, batch.camera, batch.rendering),
        "colour": colours(batch),
    }
    objective = Supervised("l1", truth=truth)
    lost = {
        name: objective.judge(NET, Restored(batch.clean, picture), batch)[1]["srgb"].item()
        for name, picture in pictures.items()
    }
    assert lost.pop(truth) < 1e-6
    assert min(lost.values()) > 0.01
    # What training is watched by is the same truth.
    watched = Training(CONFIG, objective).developed(batch)[1]
    torch.testing.assert_close(watched, pictures[truth])


def test_the_mosaic_can_be_judged_as_it_is_seen():
    batch, errors = sample(), {}
    dark = batch.clean < batch.clean.median()
    for where, off in (("dark", dark), ("bright", ~dark)):
        mosaic = (batch.clean + 0.01 * off).requires_grad_()
        restored = Restored(mosaic, batch.clean.expand(-1, 3, -1, -1))
        objective = Supervised("l1", raw_weight=0, srgb_weight=0, developed_weight=2)
        loss, logs = objective.judge(NET, restored, batch)
        loss.backward()
        assert mosaic.grad.abs().sum() > 0
        how = batch.camera, batch.rendering
        seen = (render(mosaic, *how) - render(batch.clean, *how)).abs().mean()
        torch.testing.assert_close(loss, 2 * seen)
        errors[where] = logs["developed"], logs["raw"]
    # The same in linear light, dark parts show it more.
    assert errors["dark"][0] > 1.5 * errors["bright"][0]
    assert abs(errors["dark"][1] / errors["bright"][1] - 1) < 0.01
    without = Supervised("l1").judge(NET, restored, batch)[1]
    assert "developed" not in without


def test_weights_keep_the_truth_that_they_were_trained_for(tmp_path):
    path = tmp_path / "w.safetensors"
    first = Training(CONFIG, Supervised(truth="colour"))
    save_network(first.net, first.config, path)
    assert load_network(path).truth == "colour"
    # Left out, as they were; a network that is told need not say it; named, another one.
    assert Training(weights=str(path)).dual.truth == "colour"
    assert Training(CONFIG, weights=str(path)).dual.truth == "colour"
    other = Training(objective=Supervised(truth="mosaic"), weights=str(path))
    assert other.dual.truth == other.config.truth == "mosaic"
    batch = sample()
    torch.testing.assert_close(Training(weights=str(path)).developed(batch)[1], colours(batch))


def test_a_network_that_mends_demosaicking_is_compared_with_both_truths():
    batch = sample()
    camera = Camera(*(value[0] for value in batch.camera))
    raw = RawImage(batch.clean[0], camera)
    for truth in ("mosaic", "colour"):
        restorer = Restorer(replace(CONFIG, truth=truth).build(), highlights="roll")
        restorer.net.denoise_srgb = lambda srgb, _: 0.5 * srgb
        made = restorer.compare(raw, Noise(0, 0), Rendering())
        developed = render(raw.mosaic, camera)
        torch.testing.assert_close(made.srgb, 0.5 * developed)
        seen = made.srgb if truth == "mosaic" else developed
        torch.testing.assert_close(made.developed, seen)


def test_benchmarks_say_which_truth_pictures_are_compared_with(tmp_path):
    config = replace(CONFIG, truth="colour", zero_last=False)
    save_network(config.build(), config, tmp_path / "w.safetensors")
    batch = sample()
    camera = Camera(*(value[0] for value in batch.camera))
    raw = RawImage(batch.clean[0], camera, Noise(1e-3, 1e-6))
    model = RawModel(str(tmp_path / "w.safetensors"))
    (scene,) = model([RawShot(raw, Rendering())])
    ((mosaic, developed),) = model([DndShot(raw, Rendering())])
    torch.testing.assert_close(developed, render(mosaic, camera))
    assert (scene.srgb - developed).abs().max() > 1e-3
    assert DualShot(raw, Rendering()).truth == "mosaic"


def test_the_colours_of_a_raw_are_those_of_ahd():
    batch = sample()
    camera = Camera(*(value[0] for value in batch.camera))
    raw = CleanRaw(batch.clean[0], camera, Rendering())
    colour = RawSynthesis()(raw, generator_of(0)).colour
    shown = render_linear(colour, camera, Rendering(), ISPConfig())
    torch.testing.assert_close(shown, render(raw.mosaic, camera, None, ISPConfig("ahd")))
