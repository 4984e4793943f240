"""Where potentials that PyTorch evaluates are evaluated."""


def torch_device() -> str:
    """Return `cuda` where PyTorch has a GPU, else `cpu`.

    `CUDA_VISIBLE_DEVICES=` (empty) keeps potentials off a GPU, as it does other programs.
    """
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
