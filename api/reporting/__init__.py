"""Reports for auditors: which moment and window is meant, and the forms that they are answered in."""
