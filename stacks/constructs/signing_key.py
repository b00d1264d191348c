"""The key with which a deployment signs what its finished runs' records say."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.encryption_key import WHOLE_KEY
from stacks.names import Names


class SigningKey(kms.Key):
    """ECDSA on NIST P-256; KMS rotates no such key, so one public key holds for the deployment's life.

    The account's own policies decide who may sign: of the stage's roles, that of `sign_run` alone (`stacks.functions`).
    https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, names: Names, removal: RemovalPolicy) -> None:
        account = iam.PolicyStatement(
            sid="AccountDecidesByIam", principals=[iam.AccountRootPrincipal()], actions=["kms:*"], resources=[WHOLE_KEY]
        )
        super().__init__(
            scope,
            construct_id,
            alias=f"alias/{names.of('signing')}",
            description=f"Signs what the finished runs of {names.deployment} were",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=removal,
            pending_window=Duration.days(7 if removal is RemovalPolicy.DESTROY else 30),
            policy=iam.PolicyDocument(statements=[account]),
        )
