"""What texts are compared by: header words in any spelling, and the nearest word to a mistyped one."""
