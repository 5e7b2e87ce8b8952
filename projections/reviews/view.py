"""Reviews: which attestations are there?"""

from domain.review import Review
from projections.rows import Row

ReviewRow = Row[Review]
"""An attestation; its position is `created_position`."""
