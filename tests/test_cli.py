"""The command line as a whole: quick help, one tone of voice, exit statuses, pipes, colours."""

import importlib
import os
import re
import subprocess
import sys

import click
import pytest

from osca_cli import __version__
from osca_cli.cli import COMMANDS, cli, main, module_of
from tests.conftest import ROOT, environment

HEAVY = {
    "anyio", "jinja2", "jsonschema", "numpy", "openai", "anthropic", "platformdirs", "rich", "scipy",
    "sqlite3", "sqlite_utils", "xllamacpp", "yaml",
}  # fmt: skip


def command(name: str) -> click.Command:
    return importlib.import_module(module_of(name)).command


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["plann"]], ids=" ".join)
def test_nothing_heavy_is_imported_before_a_command_is(args):
    program = (
        "import sys\nfrom osca_cli.cli import main\n"
        f"try: main({args!r})\nexcept SystemExit: pass\n"
        "print('imported:', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.rpartition("imported:")[2].split())

    assert "osca_cli" in modules
    assert modules & HEAVY == set()
    assert {name for name in modules if name.startswith("osca_")} == {"osca_cli"}


def test_the_list_of_commands_is_that_of_their_modules():
    folder = ROOT / "osca_cli" / "commands"
    modules = {path.stem for path in folder.glob("*.py") if "\n@click.command(" in path.read_text()}

    assert {module_of(name).rpartition(".")[2] for name in COMMANDS} == modules


@pytest.mark.parametrize("text", COMMANDS.values())
def test_the_list_says_what_each_command_does_in_a_line(text):
    assert re.fullmatch(r"[A-Z][^\n]{9,58}\.", text)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_explains_every_option_and_ends_with_an_example(osca, name):
    text = osca(name, "--help").out

    assert re.search(rf"Example: osca {name}\b", text)
    assert text.startswith(f"Usage: osca {name} ")
    context = click.Context(command(name))
    silent = [
        option.opts
        for option in command(name).get_params(context)
        if isinstance(option, click.Option) and not (option.help or "choice" in str(option.type.name))
    ]
    assert silent == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_is_one_that_it_takes(name):
    found = re.search(rf"Example: osca {name}\b(.*)", command(name).epilog or "")
    assert found is not None
    given = re.findall(r"(?<=\s)--?[a-z]+", found[1])
    known = {name for option in command(name).params for name in option.opts}

    assert set(given) <= known


def test_help_lists_the_commands_in_the_order_of_the_work(osca):
    text = osca("--help").out

    assert re.findall(r"^  (\w[\w-]*)  +[A-Z]", text, re.MULTILINE) == list(COMMANDS)
    assert osca("-h").out == text


def test_version(osca):
    assert osca("--version").out == f"osca, version {__version__}\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["plann"], "Did you mean 'plan'?"),
        (["xyzzy"], f"There are {', '.join(COMMANDS)}."),
        (["plan", "--budgt", "8"], "No such option '--budgt'"),
        (["--jsn"], "No such option"),
        (["run", "--samples", "none"], "'none' is not a valid integer range"),
        (["run", "--samples", "0"], "0 is not in the range x>=1"),
        (["run", "no-such-spec.yaml"], "no-such-spec.yaml"),
        (["run", "--split", "test"], "'train', 'held-out', 'all'"),
        (["schema", "one", "too-many"], "unexpected extra argument"),
        (["run"], "no spec was named"),
        (["check"], "no "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(osca, args, says):
    result = osca(*args, code=2)

    assert says in result.err
    assert result.out == ""


def test_an_option_that_is_nearly_one_is_suggested(osca):
    assert re.search(r"Did you mean.*--budget", osca("plan", "--budgt", "8", code=2).err)


def test_without_a_command_the_help_is_shown(osca):
    result = osca(code=2)

    assert "Commands:" in result.err + result.out


def test_main_exits_with_the_status_of_the_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("osca, version")


@pytest.mark.parametrize("lines", [0, 1])
def test_a_pipe_that_closes_early_is_no_traceback(lines):
    osca = subprocess.Popen(
        [sys.executable, "-m", "osca_cli", "schema"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(lines):
        osca.stdout.readline()
    osca.stdout.close()
    err = osca.stderr.read()
    osca.stderr.close()

    assert osca.wait(timeout=60) in {0, 1}
    assert err == b""


def test_the_pool_is_named_by_option_else_variable_else_default(osca, spec_folder, monkeypatch):
    def pool(*args: str) -> str:
        return re.search(r"pool: (.*)", osca("run", "spec.yaml", "--dry-run", *args).err)[1]

    assert pool() == "osca.db"
    monkeypatch.setenv("OSCA_DB", "mine.db")
    assert pool() == "mine.db"
    assert pool("--db", "other.db") == "other.db"
    assert {path.name for path in spec_folder.glob("*.db")} <= {"osca.db", "mine.db", "other.db"}


def test_a_faulty_pool_is_told_in_a_line(osca, spec_folder):
    (spec_folder / "osca.db").write_text("not a database, however long it is\n" * 100)

    result = osca("run", "spec.yaml", code=2)

    assert "osca: osca.db: not a database; name another with --db" in result.err
    assert result.out == ""


def test_a_pipe_gets_no_colours(osca, spec_folder):
    for result in (osca("validate"), osca("--help"), osca("run", "spec.yaml"), osca("plann", code=2)):
        assert "\x1b" not in result.out + result.err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_a_terminal_gets_no_colours_where_the_user_wants_none(spec_folder):
    assert "\x1b[1m" in _on_a_terminal(spec_folder)
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9]", _on_a_terminal(spec_folder, NO_COLOR="1"))


def _on_a_terminal(folder, **more: str) -> str:
    """Return what `osca validate` writes to a terminal."""
    ours, theirs = os.openpty()
    env = {**environment(**more), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "osca_cli", "validate", "spec.yaml"]
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:  # Linux: the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0
    return written.decode()


def test_commands_are_found_by_click_too():
    context = click.Context(cli)

    assert cli.list_commands(context) == list(COMMANDS)
    assert cli.get_command(context, "schema") is command("schema")
    assert cli.get_command(context, "no") is None
