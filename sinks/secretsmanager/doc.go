// Package secretsmanager writes a pair into a secret of AWS Secrets Manager: two fields of the one
// JSON object that the secret holds.
//
//	sinks:
//	  store:
//	    secretsmanager:
//	      secret_id: ci/deployer       # the name, or the ARN
//	      region: eu-central-1         # default: that of the ARN, then aws.region
//	      account: prod                # a name under aws.accounts; default: default
//	      variables: { access_key_id: id, secret_access_key: key, session_token: token }
//
// # What a push changes
//
// The two fields, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY unless variables names others. The
// other fields of the object stay, with their order and the spelling of their values; white space
// between them does not. A stale session token beside the pair is removed. Readers get the old
// pair or the new one, never a mix.
//
// A push takes two steps. The new version is written under the label AWSPENDING and read back; then AWSCURRENT
// moves to it, and only from the version that the push began with. If somebody else changed the
// secret in between, the push starts again from what they wrote. The version's id is computed from
// destination, key and the version before, so that a push that is repeated after a lost answer
// does not make another version. Secrets Manager moves AWSPREVIOUS by itself: the old pair can be
// read there until the next change.
//
// # What must be there
//
// The secret itself. keyturn does not create it, because its name, its KMS key, its policy and its
// replicas are yours to choose:
//
//	aws secretsmanager create-secret --name ci/deployer --secret-string '{}'
//
// Refused are a secret that holds anything but a JSON object, one that is scheduled for deletion,
// that another service of AWS manages, that is a replica, or that has a rotation of its own (two
// rotations of one key undo each other: cancel-rotate-secret).
//
// # Least permissions
//
//	secretsmanager:DescribeSecret
//	secretsmanager:GetSecretValue
//	secretsmanager:PutSecretValue
//	secretsmanager:UpdateSecretVersionStage
//	kms:Decrypt, kms:GenerateDataKey        # on the secret's key, unless it is aws/secretsmanager
//
// with the secret's ARN as the resource. The identity that has them must not be the robot: it
// would be writing with the key that it is about to lose.
//
// check proves the permission to write without writing. It puts the current version once more
// under its own id, which Secrets Manager takes as a repetition and ignores, and removes a label
// (KEYTURN-CHECK) that is attached to nothing, which is refused with InvalidParameterException unless it is
// denied first. CloudTrail shows both.
//
// # Evidence
//
// exact: AWSCURRENT is read again and compared. Serving tells the key id.
//
// # When readers read
//
// Whenever they call. Clients that cache keep a value for a while: the caching libraries of AWS
// one hour by default, the agent and the Lambda extension five minutes. Containers that get it as a
// variable read it when they start. So grace has to be longer than the longest of these.
//
// # Limits
//
// A secret holds at most 65,536 bytes. Secrets Manager asks for no more than one new version
// every 10 minutes on average: two robots in one secret are two versions. If aws.region changes
// and the sink names no region, the destination is another one without looking changed.
//
// Verified against: the project's stand-in for AWS, through the AWS SDK; not yet against AWS itself.
package secretsmanager
