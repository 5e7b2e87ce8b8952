"""How long was a wrong, expired or revoked certificate really served, and where?"""
