"""The commands of ``facetry``, with typer: what can be asked, and how the answer is given.

A command returns the work to do instead of doing it, because typer has its own ways with errors and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

import facetry

from ..errors import UnsupportedLayer
from ..network import Network
from ..report import PAGE, check_folder, report_files
from ..report.files import check_writable, write_files
from ..report.page import summary
from ..survey import Survey, environment
from ..survey import survey as measure
from ..survey.measure import DEFAULT_MARGINS
from . import options
from .progress import reporting

Work = Callable[[], None]

UsageError: Any = typer.BadParameter.__mro__[1]  # typer does not export it
app = typer.Typer(add_completion=False, rich_markup_mode=None)


def run(arguments: list[str]) -> None:
    """Run a command. Raises UsageError for a wrong command line, and what its work raises."""
    work = typer.main.get_command(app)(arguments or ["--help"], prog_name="facetry", standalone_mode=False)
    if callable(work):
        work()


def _print_version(wanted: bool) -> None:
    if wanted:
        print("facetry", facetry.__version__)
        raise typer.Exit


@app.callback()
def _facetry(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The exact geometry of piecewise-linear networks, at hardware speed."""


@app.command()
def info() -> Work:
    """Tell which instruction set, threads and CUDA device facetry uses."""

    def work() -> None:
        here = environment()
        print(f"facetry {here['facetry']}, Python {here['python']}, NumPy {here['numpy']}")
        print(f"processor: {here['cpu']}, {here['cpus']} CPUs")
        print(f"instruction set: {here['isa']} (of {', '.join(facetry.available_isas())})")
        print(f"threads: {here['threads']}")
        print(f"CUDA: {facetry.cuda.why_not() or facetry.cuda.device_name()}")

    return work


@app.command()
def survey(
    net: Annotated[
        str | None,
        typer.Argument(metavar="[NET]", help="An .onnx, .nnet or .npz file; left out: the shipped example."),
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="Sobol points of the box (100000), or rows of the data (all).")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="LO,HI|FILE.npy", help="Bounds of all inputs, or an (inputs, 2) array."),
    ] = None,
    vnnlib: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the box from a VNN-LIB property.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE[:ARRAY]",
            help="Survey the rows of a .npy or .npz array instead; uint8 is divided by 255.",
        ),
    ] = None,
    margins: Annotated[
        int, typer.Option(min=0, help="Points, from the first, whose margins are measured; 0: none.")
    ] = DEFAULT_MARGINS,
    plane: Annotated[
        str | None,
        typer.Option(
            metavar="random|I,J|A,B,C", help="The picture: a random plane, two inputs, or three data points."
        ),
    ] = None,
    class_rule: Annotated[
        str, typer.Option("--class", metavar="argmax|argmin", help="Which output names the class of a point.")
    ] = "argmax",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for index.html and survey.json (report).")
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-", help="Write the JSON there (-: standard output), and no report without --out."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random pairs and a random plane.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to use (all CPUs).")] = None,
    max_memory: Annotated[
        str,
        typer.Option(metavar="SIZE", help="For the distinct patterns; once full, counts are lower bounds."),
    ] = "2G",
    dtype: Annotated[
        str | None, typer.Option(metavar="float32|float64", help="Convert the network first.")
    ] = None,
    strip_softmax: Annotated[bool, typer.Option("--strip-softmax", help="Drop a final softmax.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> Work:
    """Survey a network: which linear regions its inputs see. Writes a report that opens in a browser."""
    given = [
        name for name, value in (("--box", box), ("--vnnlib", vnnlib), ("--data", data)) if value is not None
    ]
    if len(given) > 1:
        raise UsageError(f"give one of {' and '.join(given)}, not both")
    if points is not None and points < 2:
        raise typer.BadParameter(f"{points} is not at least 2", param_hint="--points")
    choice, max_bytes = options.read_plane(plane), options.read_bytes(max_memory)
    if choice is not None and len(choice) == 3 and data is None:
        raise UsageError("a plane through three data points needs --data")
    rule = options.read_choice(class_rule, "--class", ("argmax", "argmin"))
    precision = None if dtype is None else options.read_choice(dtype, "--dtype", ("float32", "float64"))
    folder = out if out is not None else Path("report") if json is None else None

    def work() -> None:
        _check_outputs(folder, json)
        if threads is not None:
            facetry.set_num_threads(threads)
        begin = time.perf_counter()
        network, name, file = _load(net, strip_softmax, precision)
        seconds = time.perf_counter() - begin
        source = _source(network, box, vnnlib, data)
        with reporting(quiet) as progress:
            seen = measure(
                network,
                points,
                **source,
                plane=choice,
                class_rule=rule,
                margins=margins,
                max_bytes=max_bytes,
                seed=seed,
                name=name,
                file=file,
                load_seconds=seconds,
                progress=progress,
            )
        _give(seen, folder, json, quiet)

    return work


def _check_outputs(folder: Path | None, json: str | None) -> None:
    """Find out before the work whether its result can be written."""
    if folder is not None:
        check_folder(folder)
    if json is not None and json != "-":
        check_writable([Path(json)])


def _load(net: str | None, strip_softmax: bool, dtype: str | None) -> tuple[Network, str, str]:
    path = facetry.demo_path() if net is None else Path(net)
    try:
        network = facetry.load(path, strip_softmax=strip_softmax)
    except UnsupportedLayer as error:  # it names the argument, which has another spelling here
        raise UnsupportedLayer(str(error).replace("strip_softmax=True", "--strip-softmax")) from None
    name = f"{path.stem}, the network that ships with facetry" if net is None else path.name
    return network if dtype is None else network.astype(dtype), name, str(path)


def _source(network: Network, box: str | None, vnnlib: Path | None, data: str | None) -> dict[str, Any]:
    """Give the arguments of the survey that say where its points come from."""
    if data is not None:
        array, name = options.read_data(data, network.input_dim)
        return {"data": array, "origin": f"the data {name}"}
    if vnnlib is not None:
        return {"box": facetry.load_vnnlib(vnnlib), "origin": f"the box of {vnnlib.name}"}
    if box is not None:
        origin = (
            f"the box of {Path(box).name}" if box.endswith(".npy") else f"the box [{box.replace(',', ', ')}]"
        )
        return {"box": options.read_box(box, network.input_dim), "origin": origin}
    if network.input_box is None:
        raise ValueError("the network file has no input box: give one with --box, --vnnlib or --data")
    return {}


def _give(seen: Survey, folder: Path | None, json: str | None, quiet: bool) -> None:
    files = {} if folder is None else report_files(seen, folder)
    if json is not None and json != "-":
        files[Path(json)] = seen.to_json()
    if json == "-":
        sys.stdout.write(seen.to_json())
        sys.stdout.flush()
    write_files(files)
    if not quiet and json != "-":
        with contextlib.suppress(KeyboardInterrupt):  # too late: all is written
            print(summary(seen))
            print("written:", json if folder is None else folder / PAGE)
