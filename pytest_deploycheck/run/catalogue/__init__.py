"""The built-in checks in words: what each proves, how it ends, and what it asks of AWS."""
