"""`certferry demo`: everything on one machine, made of the real parts, with a short history."""
