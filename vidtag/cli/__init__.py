"""The command line: the only room with typer.

A file a command has its words, as `--help` shows them; `<command>_run` has what it does, and is
loaded when it runs, so that `--help` answers at once.
"""
