// Package ssm writes a pair into one SecureString parameter of AWS Systems Manager Parameter
// Store: two fields of the JSON object that the parameter holds.
//
//	sinks:
//	  store:
//	    ssm:
//	      name: /ci/deployer/aws
//	      region: eu-central-1         # default: aws.region
//	      account: prod                # a name under aws.accounts; default: default
//	      kms_key_id: alias/ci         # default: the key the parameter has, or aws/ssm
//	      variables: { access_key_id: id, secret_access_key: key, session_token: token }
//
// # What a push changes
//
// The two fields, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY unless variables names others. The
// other fields of the object stay, with their order and the spelling of their values; white space
// between them does not. A stale session token beside the pair is removed. One call replaces the
// parameter, so readers get the old pair or the new one, never a mix. Two parameters, one for
// each half, could not promise that, and are not offered.
//
// A parameter that is not there is created. Of one that is there the key, the tier, the
// description and the allowed pattern are kept, as far as keyturn may see them (DescribeParameters); tags and
// labels stay anyway. A parameter of the type String or StringList is refused: everybody who may
// list parameters of the account reads it, and AWS cannot change the type.
//
// # Least permissions
//
//	ssm:GetParameter          # on the parameter
//	ssm:PutParameter          # on the parameter
//	ssm:DescribeParameters    # on *, optional: without it set kms_key_id, see below
//	kms:Decrypt, kms:Encrypt  # on the parameter's key, unless it is aws/ssm; for the Advanced tier kms:GenerateDataKey too
//
// The identity that has them must not be the robot: it would be writing with the key that it is
// about to lose.
//
// Parameter Store takes aws/ssm for a put that names no key. If keyturn may not see the parameter's
// key, and kms_key_id does not name it, a push would change it: check warns of that.
//
// check proves the permission to write without writing, if the parameter is there: it puts the
// value that was just read without the permission to overwrite, which Parameter Store refuses with
// ParameterAlreadyExists unless it is denied first. CloudTrail shows that. Of a parameter that is still to be
// created it cannot be proven.
//
// # Evidence
//
// exact: the parameter is read again and compared. Serving tells the key id.
//
// # When readers read
//
// Whenever they call; the Lambda extension caches for five minutes. ECS containers and CodeBuild
// jobs that get it as a variable read it when they start. So grace has to be longer than the longest of these.
//
// # Limits
//
// A Standard parameter holds 4 KiB, an Advanced one 8 KiB. Parameter Store cannot write on a
// condition: a field that somebody else changes between the read and the write of a push is
// lost, so let nobody else write the parameter. It keeps 100 versions, and refuses another while the oldest
// of them has a label. If aws.region changes and the sink names no region, the destination is another one
// without looking changed. Parameters that another account shares are not written.
//
// Verified against: the project's stand-in for AWS, through the AWS SDK; not yet against AWS itself.
package ssm
