"""Text that people wrote: header words and names, YAML with positions, amounts, the nearest word."""
