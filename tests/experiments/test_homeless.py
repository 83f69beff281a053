"""Where nothing says where a user's home is, or it cannot be written, that costs what would be kept there, no more."""

from __future__ import annotations

import pytest

from benign.experiments import trust
from benign.experiments.states import RunRecord
from benign.experiments.store import locations
from benign.foundation import folders
from benign.foundation.errors import InvalidArgument


def nowhere(*_, **__):
    raise RuntimeError("could not determine the home directory")


def test_without_a_home_there_is_no_cache(monkeypatch):
    monkeypatch.setattr(folders, "user_cache_dir", nowhere)
    assert folders.cache_folder() is None


def test_a_home_that_cannot_be_written_has_no_cache(tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert folders.cache_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert folders.cache_folder() == tmp_path / "other" / "benign"


def test_without_a_home_a_store_must_be_named(monkeypatch):
    monkeypatch.setattr(locations, "user_data_path", nowhere)
    monkeypatch.delenv("BENIGN_STORE", raising=False)
    with pytest.raises(InvalidArgument, match="BENIGN_STORE=FILE"):
        locations.located(None)
    assert locations.located("results.db").file is not None


def test_without_a_home_a_run_is_marked_for_this_process_alone(monkeypatch):
    monkeypatch.setattr(trust, "user_config_path", nowhere)
    trust._key.cache_clear()
    with pytest.warns(UserWarning, match="your home folder"):
        record = trust.marked(RunRecord(id="tiny-1", name="tiny", grid="{}", declaration="{}"), None)
    assert trust.is_ours(record)
    trust._key.cache_clear()
