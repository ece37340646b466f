"""For the auditor: what judges the office's records without any of the office's code."""
