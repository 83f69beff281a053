"""The linear laboratory: nested feature maps and the path solvers that answer every size at once."""

from benign.linear.features import FeatureMap
from benign.linear.fourier import ComplexFourierFeatures, FourierFeatures, median_bandwidth
from benign.linear.polynomials import PolynomialFeatures
from benign.linear.size_path import SizePath, size_path
from benign.linear.spectrum import Spectrum

__all__ = [
    "ComplexFourierFeatures",
    "FeatureMap",
    "FourierFeatures",
    "PolynomialFeatures",
    "SizePath",
    "Spectrum",
    "median_bandwidth",
    "size_path",
]
