"""The way from a list to an account: the verbs that the command line and Python programs share."""
