"""The command line: parse, wire, print, exit code; nothing else."""
