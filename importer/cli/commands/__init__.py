"""One module a command, named as the command is; each has `run(namespace) -> exit code`."""
