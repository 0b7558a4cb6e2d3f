"""What `pellucid train` says of itself; its options are those of the recipe."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.options.shared import new_parser


def train_options() -> ArgumentParser:
    """What `pellucid train --help` shows."""
    parser = new_parser(
        "Train a network by a recipe. A run folder with a checkpoint in it goes on from there."
    )
    parser.usage = "pellucid train RECIPE [--option VALUE ...]"
    parser.add_argument(
        "recipe", type=str, metavar="RECIPE", help="YAML file, such as recipes/default.yaml"
    )
    parser.epilog = (
        "Every entry of the recipe is an option too, such as --data.photos DIR or "
        "--trainer.max_steps 1000; pellucid train RECIPE --help lists them."
    )
    return parser
