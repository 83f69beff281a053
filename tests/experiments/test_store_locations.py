"""Where a store may be, how users write it, and what they read if it cannot be there."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs
import pytest

from benign.experiments.store import Store, default_location
from benign.experiments.store.errors import StoreUnusable
from benign.experiments.store.locations import located
from benign.foundation.errors import InvalidArgument, MissingExtra
from tests.experiments.stores import planned

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch, tmp_path):
    monkeypatch.delenv("BENIGN_STORE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("location", "file"),
    [
        (Path("a.db"), "a.db"),
        ("a.db", "a.db"),
        ("{here}/a.db", "a.db"),
        (Path("new/folders/a.db"), "new/folders/a.db"),
        ("sqlite:///a.db", "a.db"),
        ("sqlite:///{here}/a.db", "a.db"),
        ("50% ?mode=memory#'\" 🦜.db", "50% ?mode=memory#'\" 🦜.db"),
        ("file:a.db?mode=ro", "file:a.db?mode=ro"),
    ],
    ids=ascii,
)
def test_a_file(tmp_path, location, file):
    if isinstance(location, str):
        location = location.replace("{here}", str(tmp_path))
    for _ in range(2):  # made, and found again
        with Store.open(location) as store:
            assert store.location == str(tmp_path / file)
            planned(store)
    assert (tmp_path / file).is_file()


@pytest.mark.parametrize("location", [":memory:", "sqlite://", "sqlite:///:memory:"])
def test_in_memory_and_private(tmp_path, location):
    with Store.open(location) as one, Store.open(location) as other:
        planned(one)
        assert (one.location, other.runs()) == (":memory:", [])
    assert list(tmp_path.iterdir()) == []


def test_by_default_the_variable_then_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_location() == str(platformdirs.user_data_path("benign", appauthor=False) / "store.db")
    monkeypatch.setenv("BENIGN_STORE", str(tmp_path / "mine.db"))
    assert default_location() == str(tmp_path / "mine.db")
    with Store.open() as store:
        assert store.location == str(tmp_path / "mine.db")


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert located("~/store.db").file == tmp_path / "store.db"


@pytest.mark.parametrize(
    "location",
    [
        f"mysql://user:{SECRET}@host/base",
        f"https://user:{SECRET}@host/base",
        f"postgresql+asyncpg://user:{SECRET}@host/base",
        f"postgresql://user:{SECRET}@host:not-a-port/base",
        "",
        "  ",
        "sqlite:///",
        "a\0b.db",
        "\ud83e.db",
        "~nobody-of-this-name/store.db",
    ],
    ids=ascii,
)
def test_anything_else_gets_a_sentence_that_hides_the_password(location):
    with pytest.raises(
        InvalidArgument, match=r"`store` .*; write the path of a file, ':memory:', or postgresql://"
    ) as got:
        Store.open(location)
    assert SECRET not in str(got.value)
    assert got.value.__cause__ is None or SECRET not in str(got.value.__cause__)


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_text_gets_a_sentence():
    with pytest.raises(InvalidArgument, match="`store` must be a path or an address, got int"):
        Store.open(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["lease_seconds", "patience_seconds"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_times_are_positive(name, value):
    with pytest.raises(InvalidArgument, match=f"`{name}` must be"):
        Store.open(":memory:", **{name: value})


def test_a_passwords_place_is_taken_by_stars():
    pytest.importorskip("psycopg")
    place = located(
        f"postgresql://ada:{SECRET}@example.org:5433/lab?sslmode=require&sslpassword={SECRET}&password={SECRET}"
    )
    assert place.is_server
    assert place.printable == (
        "postgresql://ada:***@example.org:5433/lab?password=%2A%2A%2A&sslmode=require&sslpassword=%2A%2A%2A"
    )
    assert place.url.password == SECRET


def test_a_server_without_its_driver_says_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r'A store on PostgreSQL needs .*pip install "benign\[postgres\]"'):
        Store.open("postgresql://localhost/base")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1/base", "/base?host=/no/such/folder"], ids=["nobody listens", "no socket"]
)
def test_a_server_that_does_not_answer_gets_a_sentence(address):
    pytest.importorskip("psycopg")
    with pytest.raises(
        StoreUnusable,
        match=r"The store postgresql://ada:\*\*\*@.* cannot be reached \(.*\); check that the server runs",
    ) as got:
        Store.open(f"postgresql://ada:{SECRET}@{address}", patience_seconds=1)
    assert SECRET not in str(got.value)
    assert "\n" not in str(got.value)
