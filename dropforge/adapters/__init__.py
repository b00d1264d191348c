"""The ports of the workflow on AWS: the only package that knows boto3 and the JSON that AWS sends."""
