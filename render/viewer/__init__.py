"""The page in which a person watches a run: `page.html`, its modules and styles, and what gives them their data."""
