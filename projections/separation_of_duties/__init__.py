"""Did the same person never do what takes two, and would a stricter rule have been kept?"""
