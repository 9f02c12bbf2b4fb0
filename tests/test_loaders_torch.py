"""Torch modules: what is converted gives torch's values, what is not is named with its place."""

import numpy as np
import pytest

import facetry as ft

torch = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
nn, F = torch.nn, torch.nn.functional


class Net(nn.Module):
    """A module of a Linear layer 4 -> 3 and of whatever the test does with it."""

    def __init__(self, forward):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("c", torch.tensor([0.5, -2.0, 3.0, 0.25]))
        self.register_buffer("whole", torch.tensor([1, 2, 3, 4]))
        self.slopes = nn.Parameter(torch.tensor([1.3, -0.6, 0.2, 0.0]))
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def batch_norm():
    layer = nn.BatchNorm1d(4)
    layer.load_state_dict(
        {
            "weight": torch.tensor([1.0, -0.5, 2.0, 0.1]),
            "bias": torch.tensor([0.0, 1.0, -1.0, 0.5]),
            "running_mean": torch.tensor([0.3, 0.1, -0.2, 0.0]),
            "running_var": torch.tensor([1.0, 0.5, 2.0, 3.0]),
            "num_batches_tracked": torch.tensor(1),
        }
    )
    return layer


MODULES = {
    "linear": lambda: nn.Linear(4, 3),
    "linear without bias": lambda: nn.Linear(4, 3, bias=False),
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky relu": lambda: nn.LeakyReLU(-0.3),
    "prelu": lambda: nn.PReLU(4, init=0.7),
    "prelu, one slope": nn.PReLU,
    "hardtanh": lambda: nn.Hardtanh(-0.4, 0.9),
    "relu6": nn.ReLU6,
    "hardsigmoid": nn.Hardsigmoid,
    "identity": lambda: nn.Sequential(nn.Identity(), nn.ReLU()),
    "dropout": lambda: nn.Sequential(nn.Dropout(0.9), nn.Flatten(), nn.ReLU()),
    "batch norm": batch_norm,
    "batch norm, no parameters": lambda: nn.BatchNorm1d(4, affine=False, eps=0.1),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Linear(5, 2)),
}

FORWARDS = {
    "F.relu": lambda m, x: F.relu(m.linear(x)),
    "torch.relu": lambda m, x: torch.relu(input=x),
    "x.relu": lambda m, x: x.relu().relu_(),
    "F.relu6": lambda m, x: F.relu6(x),
    "F.leaky_relu": lambda m, x: F.leaky_relu(x, negative_slope=1.5),
    "F.prelu": lambda m, x: F.prelu(x, m.slopes),
    "F.hardtanh": lambda m, x: F.hardtanh(x, -0.5, 0.5),
    "F.hardsigmoid": lambda m, x: F.hardsigmoid(x),
    "clamp": lambda m, x: torch.clamp(x, -1, 1).clamp(min=0),
    "F.linear": lambda m, x: F.linear(x, m.linear.weight, bias=m.linear.bias),
    "transposed weight": lambda m, x: m.linear(x) @ m.linear.weight,
    "matmul": lambda m, x: torch.matmul(x, m.linear.weight.t()),
    "matmul from the left": lambda m, x: m.linear.weight @ x.view(-1, 4, 1),
    "F.dropout": lambda m, x: F.dropout(m.linear(x), 0.9, training=m.training),
    "F.batch_norm": lambda m, x: F.batch_norm(x, m.c, m.c * m.c, m.slopes, None, eps=0.5),
    "torch.abs": lambda m, x: torch.abs(x - 1).abs(),
    "builtin abs": lambda m, x: abs(x),
    "arithmetic": lambda m, x: (2 - (x + m.c) * 0.3) / m.c - m.slopes,
    "in place": lambda m, x: m.linear(x).add_(1).mul_(0.5),
    "whole numbers": lambda m, x: x * m.whole + 1,
    "negative": lambda m, x: -x,
    "flatten": lambda m, x: m.linear(torch.flatten(x.view(-1, 2, 2), 1)),
    "view": lambda m, x: m.linear(x.view(x.size(0), 2, 2).view(x.shape[0], -1)),
    "reshape": lambda m, x: m.linear(x.reshape((-1, 2, 2)).flatten(start_dim=1)),
    "squeeze": lambda m, x: m.linear(x.unsqueeze(1).squeeze(1).squeeze(dim=-1).contiguous()),
    "folded constants": lambda m, x: x + torch.sin(m.c) * m.slopes[0],
    "branch on the training flag": lambda m, x: torch.tanh(x) if m.training else x * 2,
}


def check(module, shape=(4,), dtype=np.float32):
    net = ft.from_torch(module, shape)
    x = np.random.default_rng(0).uniform(-4, 4, (1000, *shape)).astype(dtype)
    with torch.no_grad():
        wanted = module.eval()(torch.from_numpy(x.copy())).numpy().reshape(1000, -1)
    np.testing.assert_allclose(net(x), wanted, rtol=0, atol=1e-6 * abs(wanted).max())
    return net


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    torch.manual_seed(0)
    assert check(MODULES[name]()).dtype == np.float32


@pytest.mark.parametrize("name", FORWARDS)
def test_functions(name):
    torch.manual_seed(0)
    check(Net(FORWARDS[name]))


def test_images_and_double():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.PReLU(7), nn.Linear(7, 2)).double()
    assert check(module, (3, 2, 2), np.float64).dtype == np.float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_exactly(dtype):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 3), nn.PReLU(3)).to(dtype)
    net = ft.from_torch(module, 4)
    assert net.dtype == np.float32
    np.testing.assert_array_equal(net.layers[0].weight, module[0].weight.detach().float().numpy())
    assert net == ft.from_torch(module.float(), 4)


def test_the_module_stays_as_it_was():
    module = nn.Sequential(nn.Linear(4, 3), nn.Dropout(), nn.Sequential(nn.ReLU()))
    module[2].eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    net = ft.from_torch(module, 4)
    assert [part.training for part in module.modules()] == [True, True, True, False, False]
    with torch.no_grad():
        module[0].weight.zero_()
    np.testing.assert_array_equal(net.layers[0].weight, before["0.weight"].numpy())


@pytest.mark.parametrize(
    "last", [nn.Softmax(dim=1), nn.LogSoftmax(dim=1), Net(lambda m, x: F.softmax(x, dim=-1))]
)
def test_final_softmax_is_dropped_only_when_asked(last):
    module = nn.Sequential(nn.Linear(4, 3), last)
    with pytest.raises(ft.UnsupportedLayer, match=r"node [23] \(.*'\): .*strip_softmax=True"):
        ft.from_torch(module, 4)
    net = ft.from_torch(module, 4, strip_softmax=True)
    assert net == ft.from_torch(module[:1], 4)
    with pytest.raises(ft.UnsupportedLayer, match="softmax before it is not the last layer"):
        ft.from_torch(nn.Sequential(module, nn.Linear(3, 2)), 4, strip_softmax=True)


def hooked():
    module = nn.Sequential(nn.Linear(4, 3))
    module[0].register_forward_hook(lambda m, args, result: result * 2)
    return module


def scripted(m, x):
    return x if x.sum() > 0 else -x


REFUSED = {
    "module": (nn.Sequential(nn.ReLU(), nn.GELU()), r"node 2 \(GELU '1'\): facetry has no such layer"),
    "root": (nn.Conv1d(1, 1, 1), r"node 1 \(Conv1d '0'\): facetry has no such layer"),
    "nested": (nn.Sequential(nn.Sequential(nn.Tanh())), r"node 1 \(Tanh '0.0'\)"),
    "function": (Net(lambda m, x: F.gelu(x)), r"node 1 \(gelu 'gelu'\): facetry has no such layer"),
    "method": (Net(lambda m, x: x.sigmoid()), r"node 1 \(sigmoid 'sigmoid'\): facetry has no such layer"),
    "selection": (Net(lambda m, x: x[:, :2]), r"node 1 \(getitem 'getitem'\): facetry has no such layer"),
    "branches": (Net(lambda m, x: m.linear(x) + m.linear(x)), r"node 2 \(Linear 'linear'\): .*branches"),
    "residual": (Net(lambda m, x: F.relu(x) + x), r"node 2 \(add 'add'\): it joins two branches"),
    "constant / x": (Net(lambda m, x: 1 / x), r"\(truediv 'truediv'\): the divisor is computed"),
    "alpha": (Net(lambda m, x: torch.add(x, m.c, alpha=2)), r"\(add 'add'\): with these arguments"),
    "weight": (Net(lambda m, x: F.linear(m.c, x)), "only its first argument may be computed"),
    "dropout": (Net(lambda m, x: F.dropout(x)), "training is True"),
    "batch statistics": (nn.BatchNorm1d(4, track_running_stats=False), "not by fixed statistics"),
    "hooks": (hooked(), r"node 1 \(Linear '0'\): it has forward hooks"),
    "reshaping attribute": (Net(lambda m, x: x.T), r"attribute 'T'"),
    "data-dependent": (Net(scripted), "torch.fx cannot trace Net"),
    "two results": (
        Net(lambda m, x: (x, m.linear(x))),
        r"node 2 \(output 'output'\): the module must return",
    ),
    "early result": (Net(lambda m, x: (m.linear(x), x)[1]), r"the module must return"),
    "rows": (Net(lambda m, x: m.linear(x.view(-1, 1, 4).expand(-1, 2, 4))), r"\(expand 'expand'\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_refused_with_its_place(name):
    module, message = REFUSED[name]
    with pytest.raises(ft.UnsupportedLayer, match=message):
        ft.from_torch(module, 4)


def test_two_inputs():
    class Two(nn.Module):
        def forward(self, x, y):
            return x

    with pytest.raises(ft.UnsupportedLayer, match=r"node 1 \(y 'y'\): the module has more than one input"):
        ft.from_torch(Two(), 4)


def test_a_layer_is_not_applied_row_by_row():
    with pytest.raises(ft.UnsupportedLayer, match=r"node 1 \(Linear '0'\): the value has shape \(1, 2, 4\)"):
        ft.from_torch(nn.Sequential(nn.Linear(4, 3)), (2, 4))


def test_wrong_shapes_types_devices():
    with pytest.raises(ValueError, match=r"node 1 \(Linear '0'\): shapes \(1, 5\) and \(4, 3\) do not fit"):
        ft.from_torch(nn.Linear(4, 3), 5)
    for shape in [(), (0,), (-1, 4), (2.0,)]:
        with pytest.raises(ValueError, match="input_shape must be positive integers"):
            ft.from_torch(nn.Linear(4, 3), shape)
    with pytest.raises(TypeError, match=r"module is a dict, expected a torch.nn.Module"):
        ft.from_torch({"weight": torch.zeros(3, 4)}, 4)
    with pytest.raises(TypeError, match=r"weight is on meta .*use module.cpu\(\)"):
        ft.from_torch(nn.Linear(4, 3, device="meta"), 4)
    with pytest.raises(ValueError, match="the network has no layers"):
        ft.from_torch(nn.Identity(), 4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value):
    module = nn.Sequential(nn.ReLU(), nn.Linear(4, 3))
    with torch.no_grad():
        module[1].weight[2, 1] = value
    with pytest.raises(ValueError, match=r"node 2 \(Linear '1'\): weight is not finite at index \(2, 1\)"):
        ft.from_torch(module, 4)


def test_real_weights_by_weights_only(shared):
    """A state dict is read by torch with weights_only, never by facetry."""
    path = shared / "data" / "misc" / "mtcnn_pnet.pt"
    with pytest.raises(ValueError, match="weights_only=True"):
        ft.load(path)
    slopes = torch.load(path, weights_only=True)["prelu1.weight"]
    layer = nn.PReLU(len(slopes))
    layer.load_state_dict({"weight": slopes})
    check(layer, (len(slopes),))
