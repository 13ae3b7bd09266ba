"""Lets ``python -m osca_cli`` stand for the ``osca`` command."""

from osca_cli.cli import main

if __name__ == "__main__":
    main()
