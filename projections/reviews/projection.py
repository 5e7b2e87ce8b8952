"""Attestations as rows."""

from domain.review import REVIEW, Review
from projections.entity import entity

REVIEWS = entity(REVIEW, name="reviews", version=1, state_type=Review, indexes=("(created_position)",))
