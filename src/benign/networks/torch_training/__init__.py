"""PyTorch modules of the user's own, trained step by step: alone, or several of one size as one population.

Batches, schedules, losses and times are those of :class:`benign.Training`, on which :class:`benign.MLP` trains too.
Only :mod:`benign.networks.torch_training.recipe` is imported where PyTorch is not installed.
"""
