"""For a WSGI server: ``gunicorn host_app.wsgi:app``."""

from host_app.app import create_app

app = create_app()
