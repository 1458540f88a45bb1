"""What a run leaves behind: episode records, curves and videos."""
