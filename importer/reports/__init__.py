"""What people and programs read of a run: results table, summary, page, workbook, terminal."""
