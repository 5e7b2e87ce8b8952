"""What people and programs call: REST, pages, command line."""
