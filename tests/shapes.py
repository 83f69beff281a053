"""The run-time checker of annotations in tests: beartype, with an integer accepted where a float is expected."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
