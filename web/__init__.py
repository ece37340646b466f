"""Pages for the people in the process, and for who receives a document."""
