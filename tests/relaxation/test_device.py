"""Potentials go to the GPU that PyTorch has."""

import pytest

from keras_ruo2.relaxation import chgnet
from keras_ruo2.relaxation.device import torch_device

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_used_where_there_is_one(monkeypatch, there, device):
    """What PyTorch says of its GPUs decides."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert torch_device() == device


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_chgnet_is_made_on_this_device(monkeypatch, device):
    """The model is loaded onto the device that was found, and the calculator works there."""
    dynamics = pytest.importorskip("chgnet.model.dynamics")
    model_module = pytest.importorskip("chgnet.model.model")
    seen = []

    class Model:
        def requires_grad_(self, wanted):
            assert not wanted

    def load(model_name, use_device, verbose):
        seen.append(use_device)
        return Model()

    def start(self, model, use_device):
        seen.append(use_device)

    monkeypatch.setattr(chgnet, "torch_device", lambda: device)
    monkeypatch.setattr(model_module.CHGNet, "load", load)
    monkeypatch.setattr(dynamics.CHGNetCalculator, "__init__", start)
    chgnet.uncorrected_chgnet()
    assert seen == [device, device]
