"""A model of your own for the command line, with wine.csv as its table: 178 wines of three cultivars, 13 measurements.

benign emc examples.my_model:forest --data examples/wine.csv --target cultivar --size 8

The data: S. Aeberhard & M. Forina, "Wine", UCI Machine Learning Repository, CC BY 4.0, as scikit-learn ships them.
"""

from __future__ import annotations

from sklearn.ensemble import ExtraTreesClassifier

import benign

forest = benign.from_estimator(ExtraTreesClassifier(n_estimators=10), size="max_leaf_nodes")
