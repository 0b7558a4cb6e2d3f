"""What several benchmarks can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import whole_number


def add_submission(parser: ArgumentParser, what: str) -> None:
    """Where the site's files go."""
    parser.add_argument("--submission", type=str, metavar="DIR", help=f"folder for {what}")


def add_raw_options(parser: ArgumentParser, items: str) -> None:
    """What all benchmarks of raws can be told."""
    add_models(parser, "models that restore raws, or their pictures")
    add_computing(parser)
    add_outputs(parser, items)


def add_data(parser: ArgumentParser, where: str) -> None:
    """Where the files lie."""
    parser.add_argument("--data", type=str, required=True, metavar="DIR", help=f"folder of {where}")


def add_list(parser: ArgumentParser, what: str) -> None:
    """A list of pairs."""
    parser.add_argument("--list", type=str, metavar="FILE", help=what)


def add_picture_options(parser: ArgumentParser, items: str) -> None:
    """What all benchmarks of pictures can be told."""
    add_models(parser, "models that restore pictures; left out, the input alone is scored")
    parser.add_argument(
        "--measures",
        nargs="+",
        type=str,
        metavar="NAME",
        help="psnr, ssim, psnr_y, ssim_y, ms_ssim, ciede2000, lpips, dists, niqe, noise, edges, "
        "seams, and psnr_noiseda and such for Noise-DA's own; left out, those of the benchmark",
    )
    for name, backbone in (("lpips", "AlexNet"), ("dists", "VGG16")):
        parser.add_argument(
            f"--{name}",
            type=str,
            metavar="FILE,FILE",
            help=f"weights of torchvision's {backbone} and of the authors of {name.upper()}",
        )
    parser.add_argument(
        "--niqe", type=str, metavar="FILE", help="model of fit-niqe; left out, Pellucid's own"
    )
    parser.add_argument(
        "--batch",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="pictures of one size that are restored together (%(default)s)",
    )
    parser.add_argument(
        "--skip",
        type=whole_number(0),
        default=0,
        metavar="N",
        help=f"leave out the first N {items} (%(default)s)",
    )
    add_computing(parser)
    add_outputs(parser, items)


def add_computing(parser: ArgumentParser) -> None:
    """Where, and how much at once."""
    parser.add_argument(
        "--tile",
        type=whole_number(2),
        default=1536,
        metavar="PIXELS",
        help="side of what is computed at once (%(default)s)",
    )
    parser.add_argument("--device", type=str, default="cpu", help="where to compute (%(default)s)")


def add_models(parser: ArgumentParser, what: str) -> None:
    """The models that are judged."""
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        type=str,
        metavar="NAME",
        dest="models",
        help=what,
    )


def add_outputs(parser: ArgumentParser, items: str) -> None:
    """How much is judged, and where the numbers go."""
    parser.add_argument(
        "--limit", type=whole_number(1), metavar="N", help=f"only the first N {items}"
    )
    parser.add_argument("--json", type=str, metavar="FILE", help="write the rows there too")
    parser.add_argument(
        "--out",
        type=str,
        metavar="DIR",
        help="folder for scores, tables and a report (index.html); interrupted, the same command "
        "goes on where it was",
    )
    parser.add_argument(
        "--pictures",
        type=whole_number(0),
        default=6,
        metavar="N",
        help="items that the report shows, each model's worst first (%(default)s)",
    )
