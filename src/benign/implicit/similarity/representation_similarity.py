r"""Do two networks represent the inputs alike? Linear centred kernel alignment (CKA) of hidden features.

Sources: Kornblith, Norouzi, Lee, Hinton 2019 (linear CKA, equations 3 and 4); Song, Smola, Gretton, Bedo, Borgwardt
2012 (JMLR 13:1393, equation 5: the unbiased :math:`\mathrm{HSIC}_1`); Murphy, Zylberberg, Fyshe 2024 (why the biased
CKA of wide layers on few inputs is near 1 whatever the layers hold).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, invalid
from benign.implicit.torch_models.recognition import is_torch_module
from benign.networks.devices import require_jax

if TYPE_CHECKING:
    import torch

    from benign.networks.dense import Dense

_LEAST_INPUTS = 4  # HSIC_1 divides by n - 3


def linear_cka(X: Float[np.ndarray, "n p"], Y: Float[np.ndarray, "n q"], *, debiased: bool = True) -> float:
    r"""Linear CKA of two sets of features of the same n inputs.

    .. math:: \mathrm{CKA} = \frac{\mathrm{HSIC}(K, L)}{\sqrt{\mathrm{HSIC}(K, K)\, \mathrm{HSIC}(L, L)}},
        \qquad K = X X^\top,\ L = Y Y^\top

    (Kornblith, Norouzi, Lee, Hinton 2019, equations 3 and 4). The biased HSIC is :math:`\|X_c^\top Y_c\|_F^2` of the
    centred features. The debiased one, with the diagonals of K and L set to zero,

    .. math:: \mathrm{HSIC}_1 = \frac{1}{n (n - 3)} \Bigl[\operatorname{tr} \tilde K \tilde L
        + \frac{1^\top \tilde K 1\; 1^\top \tilde L 1}{(n - 1)(n - 2)}
        - \frac{2}{n - 2} 1^\top \tilde K \tilde L 1 \Bigr],

    is computed from the features: no n x n matrix is formed.

    Invariant under orthogonal maps of the features, such as permutations of hidden units, under one common factor and
    under shifts; not under other linear maps. Known flaw: it is dominated by the directions of largest variance, and a
    few outlying inputs move it at will (Davari et al. 2023).

    Args:
        X: features, a row for each input.
        Y: features of the same inputs.
        debiased: whether to use :math:`\mathrm{HSIC}_1`: near 0 for independent features however wide, at times below.

    Returns:
        At most 1, which a set of features reaches with itself; NaN where features do not vary.

    Raises:
        InvalidArgument: for features of different numbers of inputs, or of fewer than four.

    Cost: O(n p q + n p^2 + n q^2).

    >>> X = np.random.default_rng(0).standard_normal((20, 3))
    >>> round(linear_cka(X, 2.0 * X[:, ::-1]), 12)
    1.0
    """
    if len(X) != len(Y) or len(X) < _LEAST_INPUTS:
        raise InvalidArgument(
            f"`X` and `Y` must hold features of the same inputs, four or more, got {len(X)} and {len(Y)} rows."
        )
    X, Y = _centred(X), _centred(Y)
    hsic = _debiased_hsic if debiased else _biased_hsic
    with np.errstate(invalid="ignore"):  # 0 / 0 of constant features
        return float(hsic(X, Y) / np.sqrt(hsic(X, X) * hsic(Y, Y)))


def layerwise_cka(
    networks: Sequence[Dense | torch.nn.Module],
    inputs: Float[np.ndarray, "m ..."] | torch.Tensor,
    *,
    debiased: bool = True,
    layers: Sequence[str] | None = None,
) -> Float[np.ndarray, "layer pair"]:
    """Linear CKA of each hidden layer with the same layer of another network, for all pairs of networks.

    As Kornblith, Norouzi, Lee, Hinton 2019 compare networks of different initialisation.

    Args:
        networks: of one depth; widths may differ. PyTorch modules, in evaluation mode, among themselves.
        inputs: on which they are compared, four or more (m x d), for PyTorch modules of whatever shape they take; take
            test inputs.
        debiased: as :func:`linear_cka`.
        layers: as :func:`hidden_features`.

    Returns:
        Row l: hidden layer l, in the order of :func:`itertools.combinations`, ready for ``pair_mean``.

    Raises:
        InvalidArgument: for fewer than two networks, networks of different depths, or what :func:`hidden_features`
            refuses.
    """
    features = [hidden_features(network, inputs, layers=layers) for network in networks]
    if len(features) < 2 or len({len(one) for one in features}) > 1:
        raise invalid("networks", "must hold two or more networks of the same depth.")
    return np.array(
        [
            [linear_cka(*pair, debiased=debiased) for pair in itertools.combinations(layer, 2)]
            for layer in zip(*features, strict=True)
        ]
    )


def hidden_features(
    network: Dense | torch.nn.Module,
    inputs: Float[np.ndarray, "m ..."] | torch.Tensor,
    *,
    layers: Sequence[str] | None = None,
) -> tuple[Float[np.ndarray, "m width"], ...]:
    """What each hidden layer makes of the inputs, after its activation, in the network's own precision.

    The features that Kornblith, Norouzi, Lee, Hinton 2019 compare.

    Args:
        network: of any depth; or a PyTorch module in evaluation mode, of which the features are those after each
            activation that is a submodule, in the order of the calls, channels and places of an image in one row. Of a
            module with no such submodule they are those after each submodule that holds no others, but the last.
        inputs: (m x d), for a PyTorch module of whatever shape it takes.
        layers: names of submodules of a PyTorch module after which to look instead.

    Returns:
        One array (m x width) for each hidden layer.

    Raises:
        InvalidArgument: for a module or inputs that cannot be used, or ``layers`` that it has not.
        MissingExtra: for a dense network without JAX.
    """
    if is_torch_module(network):
        from benign.implicit.torch_models.module_features import module_features

        return module_features(network, inputs, layers)
    if layers is not None:
        raise invalid("layers", "names submodules of a PyTorch module; leave it out for a dense network.")
    require_jax("the hidden features of a dense network")
    from benign.implicit.similarity.dense_features import dense_features

    return dense_features(cast("Dense", network), cast("np.ndarray", inputs))


def _centred(X: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n p"]:
    """In float64, without the mean: HSIC does not change, and squares of a large mean need not cancel."""
    features = np.asarray(X, dtype=np.float64)
    is_constant = np.ptp(features, axis=0) == 0.0  # whose mean may differ from them by rounding
    return np.where(is_constant, 0.0, features - np.mean(features, axis=0))


def _biased_hsic(X: Float[np.ndarray, "n p"], Y: Float[np.ndarray, "n q"]) -> float:
    return float(np.sum((X.T @ Y) ** 2))


def _debiased_hsic(X: Float[np.ndarray, "n p"], Y: Float[np.ndarray, "n q"]) -> float:
    """HSIC_1 of linear kernels: K 1 = X (X^T 1), tr K L = |X^T Y|^2, and the diagonals k, l taken out by hand."""
    n = len(X)
    k, l = np.sum(X**2, axis=1), np.sum(Y**2, axis=1)  # noqa: E741 (the paper's letter)
    K1, L1 = X @ np.sum(X, axis=0) - k, Y @ np.sum(Y, axis=0) - l
    trace = np.sum((X.T @ Y) ** 2) - k @ l
    correction = np.sum(K1) * np.sum(L1) / ((n - 1) * (n - 2)) - 2.0 / (n - 2) * (K1 @ L1)
    return float(trace + correction) / (n * (n - 3))
