"""What a program can ask of osca: one function for each command, re-exported by ``osca_cli``."""
