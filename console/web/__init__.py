"""The console over HTTP: an API for programs, pages for people, figures for those who watch. It only reads."""
