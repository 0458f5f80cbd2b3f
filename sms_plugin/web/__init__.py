"""The web edge: Flask and Flask-AppBuilder views. Every row is scoped to a practice."""
