"""Pages that people enjoy: Jinja templates and htmx over the same use cases and read models as the REST API."""
