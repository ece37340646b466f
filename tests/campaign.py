"""How large the campaigns of faults are: PARAAF_CAMPAIGN multiplies the small size that `make test` runs."""

import os


def times(small: int) -> int:
    """So many times in a normal run; PARAAF_CAMPAIGN=10 makes it ten times as many."""
    return max(1, round(small * float(os.environ.get("PARAAF_CAMPAIGN", "1"))))
