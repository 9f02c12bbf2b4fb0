"""Robust locally linear networks (Lee et al. 2019): the toy of Appendix F, and Tables 1 and 2 on digits.

``python bench/studies/roll.py [--quick] [--out roll.png]``. Digits are the MNIST images beside the project,
where there are any (2,000, of which 1,500 train), otherwise drawn in matplotlib's fonts. Either way margins
compare among themselves: the paper trained on 55,000 images.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import facetry as ft
from facetry.torch import margin_loss, roll_loss, tsvm_loss

MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "datasets" / "mnist_test2000.npz"
MEAN, SIGMA = 0.1307, 0.3081
PERCENTILES = (25, 50, 75, 100)
# Table 1: accuracy, complete linear regions of 10,000 images, percentiles of l1 and l2 margins in 1e-4.
PRINTED = {
    "vanilla": ("98 %", 10000, (22, 53, 106, 866), (3, 6, 13, 91)),
    "ROLL, C = 0.25": ("98 %", 9986, (219, 530, 1056, 6347), (37, 92, 182, 1070)),
    "ROLL, C = 1": ("97 %", 8523, (665, 1593, 3175, 21825), (125, 297, 604, 4345)),
}

Extra = Callable[[nn.Module, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def chain(widths: list[int]) -> nn.Sequential:
    """Linear layers with ReLUs between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def plain(model: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give no extra loss, and the outputs."""
    outputs = model(x)
    return outputs.new_zeros(()), outputs


# Appendix F.


def toy_points() -> tuple[torch.Tensor, torch.Tensor]:
    """Two crescents of 12 points each; the paper does not print its points."""
    angle = np.linspace(0, np.pi, 12)
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], 1)
    points = np.concatenate([upper, -upper])
    noise = np.random.default_rng(0).normal(0, 0.04, points.shape)
    return torch.from_numpy((points + noise).astype("f4")), torch.arange(24) // 12


def train_toy(extra: Extra, epochs: int) -> tuple[nn.Module, float]:
    """Adam on all points; the model of the epoch with the least loss, and its accuracy."""
    torch.manual_seed(0)
    model = chain([2, 100, 100, 100, 100, 1])
    x, labels = toy_points()
    optimizer = torch.optim.Adam(model.parameters())
    best, kept = np.inf, model.state_dict()
    for _ in range(epochs):
        optimizer.zero_grad()
        added, outputs = extra(model, x)
        loss = functional.binary_cross_entropy_with_logits(outputs[:, 0], labels.float()) + added
        if loss.item() < best:
            best, kept = loss.item(), {name: value.clone() for name, value in model.state_dict().items()}
        loss.backward()
        optimizer.step()
    model.load_state_dict(kept)
    with torch.no_grad():
        return model, ((model(x)[:, 0] > 0) == labels).float().mean().item()


def toy(out: Path, quick: bool) -> None:
    """Train with the three losses of Figure 1; draw regions, margins as circles and gradients as arrows."""
    trainings: dict[str, Extra] = {
        "vanilla": plain,
        "distance (Eq. 4)": lambda model, x: margin_loss(model, x, return_outputs=True),
        "relaxed (Eq. 7), C = 5": lambda model, x: tsvm_loss(model, x, C=5, return_outputs=True),
    }
    figure, axes = plt.subplots(1, len(trainings), figsize=(5 * len(trainings), 5), layout="constrained")
    points = toy_points()[0].numpy()
    print("\nToy of Appendix F (lambda 1): 24 points, 2-100-100-100-100-1\n")
    print(f"{'training':24} {'accuracy':>9} {'regions':>8} {'median l2 margin':>17}")
    for axis, (name, extra) in zip(axes, trainings.items(), strict=True):
        model, accuracy = train_toy(extra, 60 if quick else 5000)
        net = ft.from_torch(model, 2)
        plane = ft.regions_on_plane(net, [0, 0], [1, 0], [0, 1], ((-2, 2), (-2, 2)), cut_output=True)
        plane.plot(points=points, ax=axis)
        radius = np.median(net.margins(points).radius)
        regions = len({row.tobytes() for row in plane.patterns.bits})
        axis.set_title(f"{name}: {regions} regions")
        axis.set_aspect("equal")
        print(f"{name:24} {accuracy:9.0%} {regions:8} {radius:17.4f}")
    figure.savefig(out, dpi=110)
    plt.close(figure)
    print(f"\npicture: {out}")


# Appendix G.


class Digits(NamedTuple):
    """Normalised images (n, 784) and labels; the last `tests` are for testing."""

    x: torch.Tensor
    labels: torch.Tensor
    tests: int
    source: str


def drawn_digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Digits in matplotlib's fonts, moved, turned and scaled, as uint8 images."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, n)
    figure = plt.figure(figsize=(0.28, 0.28), dpi=100)
    images = np.empty((n, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        figure.clear()
        figure.text(
            *rng.uniform(0.42, 0.58, 2),
            str(label),
            family=rng.choice(["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"]),
            weight=rng.choice(["normal", "bold"]),
            size=rng.uniform(11, 16),
            rotation=rng.uniform(-20, 20),
            ha="center",
            va="center",
        )
        figure.canvas.draw()
        image[:] = 255 - np.asarray(figure.canvas.buffer_rgba())[..., 0]
    plt.close(figure)
    return images, labels


def digits(quick: bool) -> Digits:
    """MNIST where it is there, drawn digits otherwise."""
    if MNIST.exists():
        with np.load(MNIST) as file:
            images, labels, source = file["images"], file["labels"], "MNIST test images"
    else:
        images, labels = drawn_digits(300 if quick else 2000)
        source = "digits drawn in fonts"
    count = 300 if quick else 2000
    x = ((images[:count].reshape(-1, 784) / 255 - MEAN) / SIGMA).astype("f4")
    return Digits(torch.from_numpy(x), torch.from_numpy(labels[:count].astype("i8")), count // 4, source)


def train_digits(data: Digits, widths: list[int], extra: Extra, epochs: int) -> nn.Module:
    """SGD with Nesterov momentum, learning rate 0.01, momentum 0.5, batches of 64."""
    torch.manual_seed(0)
    model = chain(widths)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5, nesterov=True)
    n = len(data.x) - data.tests
    for _ in range(epochs):
        for batch in torch.randperm(n).split(64):
            optimizer.zero_grad()
            added, outputs = extra(model, data.x[batch])
            (functional.cross_entropy(outputs, data.labels[batch]) + added).backward()
            optimizer.step()
    return model


def table_1(data: Digits, quick: bool) -> None:
    """Accuracy, number of linear regions, and percentiles of the margins, beside those printed."""
    widths = [784, 32, 32, 10] if quick else [784, 300, 300, 300, 300, 10]
    trainings: dict[str, Extra] = {"vanilla": plain}
    for c in (0.25, 1.0):
        trainings[f"ROLL, C = {c:g}"] = lambda model, x, c=c: _twice(
            roll_loss(model, x, C=c, return_outputs=True)
        )
    # 2,400 steps; the paper's 20 epochs of 55,000 images are 17,200
    epochs = 2 if quick else 100
    print(
        f"\nTable 1 (lambda 2, gamma 100): {data.source}, "
        f"{len(data.x) - data.tests} to train, {epochs} epochs"
    )
    print("margins in 1e-4, percentiles 25 / 50 / 75 / 100; regions: distinct patterns of the tests\n")
    print(f"{'training':16} {'':8} {'accuracy':>8} {'regions':>14}  {'l1 margin':28} l2 margin")
    x, labels = data.x[-data.tests :], data.labels[-data.tests :]
    for name, extra in trainings.items():
        model = train_digits(data, widths, extra, epochs)
        net = ft.from_torch(model, 784)
        accuracy = (net(x.numpy()).argmax(1) == labels.numpy()).mean()
        regions = f"{len({row.tobytes() for row in net.patterns(x.numpy()).bits})} of {len(x)}"
        margins = [net.margins(x.numpy(), p, scale=SIGMA).radius * 1e4 for p in (1, 2)]
        cells = [" / ".join(f"{v:.0f}" for v in np.percentile(m, PERCENTILES)) for m in margins]
        print(f"{name:16} {'ours':8} {accuracy:8.1%} {regions:>14}  {cells[0]:28} {cells[1]}")
        share, count, *printed = PRINTED[name]
        cells = [" / ".join(map(str, p)) for p in printed]
        print(f"{'':16} {'printed':8} {share:>8} {f'{count} of 10000':>14}  {cells[0]:28} {cells[1]}")


def _twice(pair: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return 2 * pair[0], pair[1]


def by_back_propagation(model: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """ROLL with one backward pass a neuron, differentiated once more."""
    x = x.clone().requires_grad_()
    value, total, count = x, x.new_zeros(()), 0
    for layer in model:
        if isinstance(layer, nn.ReLU):
            for j in range(value.shape[1]):
                (gradient,) = torch.autograd.grad(value[:, j].sum(), x, create_graph=True)
                total = total + gradient.square().sum() / len(x)
            total = total + (1 - value.abs()).relu().sum() / len(x)
            count += value.shape[1]
        value = layer(value)
    return total / count, value


def seconds_of_a_step(extra: Extra, data: Digits, widths: list[int], repeats: int) -> float:
    """Give the median time of a gradient step on one batch of 64."""
    torch.manual_seed(0)
    model = chain(widths)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.5, nesterov=True)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        added, outputs = extra(model, data.x[:64])
        (functional.cross_entropy(outputs, data.labels[:64]) + added).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def table_2(data: Digits, quick: bool) -> None:
    """Time of a gradient step over that of the vanilla step."""
    widths = [784, 16, 16, 10] if quick else [784, 300, 300, 300, 300, 10]

    def roll(**options: object) -> Extra:
        return lambda model, x: roll_loss(model, x, C=1, return_outputs=True, **options)  # type: ignore

    steps: dict[str, tuple[str, Extra, int]] = {
        "vanilla": ("1", plain, 50),
        "full, by back-propagation (torch)": ("241.7", by_back_propagation, 1),
        "full, forward mode (torch)": ("20.7", roll(backend="composed"), 3),
        "3 axes, forward mode (torch)": ("2.31", roll(axes=3, backend="composed"), 10),
        "full (facetry)": ("", roll(), 10),
        "3 axes (facetry)": ("", roll(axes=3), 50),
    }
    print(f"\nTable 2: a gradient step over the vanilla step, {'-'.join(map(str, widths))}, batch 64")
    print(f"{ft.num_threads()} threads of facetry, {torch.get_num_threads()} of torch\n")
    print(f"{'step':36} {'ms':>9} {'ratio':>7} {'printed':>8}")
    vanilla = 0.0
    for name, (printed, extra, repeats) in steps.items():
        taken = seconds_of_a_step(extra, data, widths, 1 if quick else repeats)
        vanilla = vanilla or taken
        print(f"{name:36} {taken * 1e3:9.2f} {taken / vanilla:7.2f} {printed:>8}")


def main() -> None:
    """Print the tables and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("roll.png"), help="where the picture goes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the toy is too small for more
    toy(arguments.out, arguments.quick)
    data = digits(arguments.quick)
    torch.set_num_threads(ft.num_threads())
    table_1(data, arguments.quick)
    table_2(data, arguments.quick)


if __name__ == "__main__":
    main()
