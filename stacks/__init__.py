"""The stacks: they compose; `stacks.constructs` creates.

Order of deployment: foundation, training, one project stack per project, observability. Where one stack must know of
another's resource before it exists, both derive its name from `stacks.names`.
"""
