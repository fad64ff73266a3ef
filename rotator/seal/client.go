package seal

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// KMSClient is AWS KMS in the account and region of cfg, a configuration of package awsauth. It calls nothing.
func KMSClient(cfg aws.Config) KMSAPI { return kms.NewFromConfig(cfg) }
