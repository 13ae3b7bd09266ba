from pathlib import Path

import pytest
from click.testing import CliRunner

from osca_cli.commands.init import command, write_template
from osca_cli.errors import UsageError


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    (folder / "problems").mkdir(parents=True)
    (folder / "osca.yaml").write_text("version: 1\n")
    (folder / "problems" / "sums.jsonl").write_text("{}\n")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "make.cpython-311.pyc").write_text("")
    return folder


def test_a_template_is_written_whole_into_a_new_folder(template, tmp_path):
    target = tmp_path / "new" / "folder"

    assert write_template(template, target, force=False) == [
        target / "osca.yaml",
        target / "problems" / "sums.jsonl",
    ]
    assert (target / "problems" / "sums.jsonl").read_text() == "{}\n"
    assert not (target / "__pycache__").exists()


def test_nothing_is_written_where_a_file_would_be_overwritten(template, tmp_path):
    target = tmp_path / "target"
    (target / "problems").mkdir(parents=True)
    (target / "problems" / "sums.jsonl").write_text("mine")

    with pytest.raises(UsageError, match=r"sums\.jsonl exists already; --force overwrites it"):
        write_template(template, target, force=False)
    assert not (target / "osca.yaml").exists()

    write_template(template, target, force=True)
    assert (target / "problems" / "sums.jsonl").read_text() == "{}\n"


def test_a_folder_that_cannot_be_made_is_a_usage_error(template, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="cannot be written"):
        write_template(template, tmp_path / "file" / "folder", force=False)


def test_an_unknown_template_names_those_there_are():
    with pytest.raises(UsageError, match="no template is named 'quikstart'"):
        CliRunner().invoke(command, ["--template", "quikstart"], catch_exceptions=False)


def test_the_quickstart_is_valid_where_a_bare_command_finds_it(osca, tmp_path):
    written = osca("init", "my folder")
    folder = tmp_path / "my folder"

    assert (folder / "osca.yaml").is_file()
    assert "next: cd 'my folder' && osca run" in written.err
    assert osca("validate", "--json", cwd=folder).json["valid"]
