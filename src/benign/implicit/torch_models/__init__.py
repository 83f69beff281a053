"""Measures of PyTorch modules. Only :mod:`benign.implicit.torch_models.recognition` is imported without PyTorch."""
