import pytest

from crystutor.files import finished_file, read_csv, write_csv


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "numbers.csv"
    with pytest.raises(ZeroDivisionError), finished_file(path) as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []
    with finished_file(path) as unfinished:
        unfinished.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_table_comes_back(tmp_path):
    rows = [{"level": "25%", "n": "7"}, {"level": "40%", "n": "8"}]
    write_csv(tmp_path / "table.csv", rows)
    assert read_csv(tmp_path / "table.csv") == rows
