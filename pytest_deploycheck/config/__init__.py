"""From configuration files and raw option strings to plain, checked settings."""
