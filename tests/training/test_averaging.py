import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from pellucid.training.averaging import RampedEMA
from pellucid.training.run import train


def test_the_average_looks_back_over_a_share_of_the_steps_and_then_as_far_as_its_decay():
    averaging = RampedEMA(decay=0.99, share=0.1)
    horizons = [1 / (1 - averaging.decay_after(steps)) for steps in (1, 10, 50, 500, 1000, 5000)]
    assert horizons == pytest.approx([1, 1, 5, 50, 100, 100])


def test_weights_of_the_beginning_are_forgotten():
    """A weight that grew by 1 each step lags by the horizon, a share of the steps."""
    net = torch.nn.Linear(1, 1)
    averaged = AveragedModel(net, multi_avg_fn=RampedEMA(share=0.05)._average, use_buffers=True)
    for step in range(1000):
        with torch.no_grad():
            net.weight.fill_(step)
        averaged.update_parameters(net)
    lag = 999 - averaged.module.weight.item()
    assert 0.7 * 50 < lag < 50


def test_a_run_that_goes_on_has_the_same_average(recipe, tmp_path):
    """How many steps were averaged is in the checkpoint."""
    name = "pellucid.training.averaging.RampedEMA"
    words = [
        f"--trainer.callbacks=[{{class_path: {name}, init_args: {{share: 0.5}}}}]",
        "--trainer.limit_val_batches=0",
        "--checkpoint_every=3",
        "--model.schedule={kind: multistep, milestones: [1000]}",
    ]

    def weights(folder, *sittings):
        for steps in sittings:
            told = [
                f"--trainer.default_root_dir={tmp_path / folder}",
                f"--trainer.max_steps={steps}",
            ]
            train(recipe, [*words, *told])
        return torch.load(tmp_path / folder / "checkpoints" / "last.ckpt", weights_only=False)

    once, twice = weights("once", 6), weights("twice", 3, 6)
    assert once["averaging_state"]["n_averaged"] == twice["averaging_state"]["n_averaged"] == 6
    for key in once["state_dict"]:
        torch.testing.assert_close(once["state_dict"][key], twice["state_dict"][key])
    last = once["current_model_state"]
    assert any(not torch.equal(value, last[key]) for key, value in once["state_dict"].items())
