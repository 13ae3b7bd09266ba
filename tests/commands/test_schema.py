import json

from click.testing import CliRunner
from jsonschema import Draft7Validator

from osca_cli.commands.schema import command


def test_the_schema_is_printed_for_editors():
    result = CliRunner().invoke(command)

    assert result.exit_code == 0
    assert result.stderr == ""
    Draft7Validator.check_schema(json.loads(result.stdout))
