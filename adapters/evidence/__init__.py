"""Evidence to take away: archives that prove themselves, with the program that checks them."""
