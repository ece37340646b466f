"""What a delivered request weighs, where others are open still.

What is told of delivered requests flatters as long as some are open: of those that came last, only the quick
ones are delivered by now. So each counts for one over the chance that a request that takes as long is seen to
its end, as found of all that came, delivered or not: the slow ones that were seen stand for those that are
open still. Where nothing is open each counts for one.

Sources: H. Bang, A. A. Tsiatis, Estimating medical costs with censored data, Biometrika 87 (2000), 329-343
(the simple weighted estimator, here over the sum of the weights); weights that are cut off: S. R. Cole,
M. A. Hernán, Constructing inverse probability weights for marginal structural models, American Journal of
Epidemiology 168 (2008), 656-664.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from throughput.survival import Numbers, at_risk
from wording import mark

FLOOR: Final = 0.1
"""No chance counts as smaller, and so no request as more than ten: what so few were seen of, one must not
decide alone."""
COUNTS_FOR: Final = mark(
    "Of those that came last only the quick ones are delivered yet: slow ones that are delivered count for"
    " others like them that are still open."
)


def weights(taken: ArrayLike, left: ArrayLike, n: ArrayLike = 1) -> Numbers:
    """What each of these weighs, by how long it took, or has taken so far, and whether it has left.

    By Kaplan and Meier, of being cut off; what left after as long as another is open still was seen to leave.
    `n`: how many there are of each.
    """
    lengths, gone = np.asarray(taken, dtype=np.float64), np.asarray(left, dtype=np.bool_)
    order = np.lexsort((~gone, lengths))
    gone, many = gone[order], np.broadcast_to(n, gone.shape)[order].astype(np.float64)
    cut, found = np.where(gone, 0, many), np.empty(len(order))
    watched = at_risk(many - cut, cut)
    seen = np.cumprod(np.concatenate([[1.0], np.where(gone, 1, 1 - cut / watched)]))[:-1]
    found[order] = 1 / np.maximum(seen, FLOOR)
    return found


def of_requests(opened_us: Numbers, left_us: Numbers, now_us: float) -> Numbers:
    """What requests weigh that were opened then, and left, or are open still (NaN); a clock that went back
    tells of no time."""
    left = ~np.isnan(left_us)
    taken = np.where(left, left_us, now_us) - opened_us
    return weights(np.clip(taken, 0, None), left)
