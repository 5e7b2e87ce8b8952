"""Which pushes ran without a fresh approval, and on which earlier one do they rest?"""
