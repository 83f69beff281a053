"""Models of your own for the command line; their table, wine.csv, has 13 measurements of 178 wines.

benign diagnose examples.my_model:trees --data examples/wine.csv --target cultivar
benign emc examples.my_model:forest --data examples/wine.csv --target cultivar --size 8

The table: Aeberhard & Forina, "Wine", UCI Machine Learning Repository, CC BY 4.0.
"""

from __future__ import annotations

from sklearn.ensemble import ExtraTreesClassifier

import benign

trees = ExtraTreesClassifier(n_estimators=10)
forest = benign.from_estimator(trees, size="max_leaf_nodes")
