"""The run viewer: the web page, the data it shows, its server and the one-file report."""
