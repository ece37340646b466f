"""Write down what the migrations make on PostgreSQL: `python -m tests.declare_guards`, after a new one.

tests/integration/test_guards.py fails until that was done.
"""

import json
from contextlib import closing

from tests.postgresql import TEMPLATE, Server, url_of
from workflow.guards import DECLARED, Guards, guards_of
from workflow.store import Store


def text_of(guards: Guards) -> str:
    """The file's text: kind → table → name → the guard's own text."""
    kinds: dict[str, dict[str, dict[str, str]]] = {}
    for name, own in guards.items():
        kinds.setdefault(name.kind, {}).setdefault(name.table, {})[name.name] = own
    return json.dumps(kinds, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Make a server, look at its database of all tables, write the file, remove the server."""
    server = Server.make()
    try:
        with closing(Store(url_of(server.port, TEMPLATE))) as store, store.read() as session:
            DECLARED.write_text(text_of(guards_of(session.connection())), encoding="utf-8")
    finally:
        server.remove()


if __name__ == "__main__":
    main()
