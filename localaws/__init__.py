"""A local AWS: an emulator extended with what Dropforge's stacks need of AWS and it lacks.

It stands alone: nothing here imports `dropforge`, `stacks` or `lambdas`. `docs/local-aws.md` says where it differs
from AWS.
"""
