"""ACME clients: keys for external account binding, accounts, orders."""
