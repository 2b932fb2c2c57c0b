"""The report as a page: one file that needs nothing from elsewhere, by templates that escape what they show."""
