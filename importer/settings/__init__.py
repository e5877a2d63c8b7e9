"""Settings: one job file, overridden by the environment, overridden by flags."""
