"""The documents that people write: `dropforge.yaml` (data scientists) and `config/<stage>.yaml` (ops).

Each is read with the line of everything in it, checked by a pydantic model that also yields its JSON Schema, and turned
into the domain's own values. Needs pydantic, PyYAML and `dropforge.domain` only: the build installs no more than that.
"""
