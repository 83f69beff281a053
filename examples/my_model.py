"""A model of your own for the command line; its table, wine.csv, has 13 measurements of 178 wines.

benign emc examples.my_model:forest --data examples/wine.csv --target cultivar --size 8

The table: Aeberhard & Forina, "Wine", UCI Machine Learning Repository, CC BY 4.0.
"""

from __future__ import annotations

from sklearn.ensemble import ExtraTreesClassifier

import benign

forest = benign.from_estimator(ExtraTreesClassifier(n_estimators=10), size="max_leaf_nodes")
