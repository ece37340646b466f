"""The API: everything that people do on pages, for programs that do it in their names."""
