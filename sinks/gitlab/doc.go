// Package gitlab writes a pair into the CI/CD variables of a GitLab project, group or instance.
//
//	sinks:
//	  variables:
//	    gitlab:
//	      url: https://gitlab.example.com/api/v4   # GitLab.com by default
//	      token: { file: /run/credentials/keyturn/gitlab }
//	      project: platform/deploy                 # or group: platform, or instance: true
//	      environment_scope: production            # all environments by default
//	      hidden: false
//	      protected: true
//
// # What a push changes
//
// The value and the description of the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them)
// in the one environment scope that is configured. Variables of the same name in other scopes stay. A variable AWS_SESSION_TOKEN
// in that scope is removed, because with a stale one the pair does not work. The description gets a marker
// that names the last four characters of the key id, "keyturn key=ABCD at=2026-11-03T10:00:00Z", after what
// a person wrote there.
//
// A variable that exists keeps its flags. masked (on by default), hidden, protected and "expand variable reference" off
// are what a variable gets that a push creates. Check warns where what is there differs.
//
// A job that starts between the two writes, some hundred milliseconds, gets the new secret with the old key
// id. To rule that out, use a bundle:
//
//	gitlab: { token: { env: GITLAB_TOKEN }, project: platform/deploy, bundle: AWS_SHARED_CREDENTIALS_FILE }
//
// That is one variable of type file that holds a credentials file. The AWS SDKs and the AWS CLI read the path in
// AWS_SHARED_CREDENTIALS_FILE without any change to the job, as long as no AWS_ACCESS_KEY_ID is defined for it. A file cannot be
// masked: GitLab masks single lines only.
//
// # Authentication
//
// token: a project, group or personal access token with the scope api. Its role must be Maintainer in the project, Owner of the
// group, or administrator of the instance. A project access token, with that role, is the least. Check
// asks GitLab for the token's scopes and warns when it runs out within two weeks. A fine-grained token needs to read, create, update and delete
// CI/CD variables.
//
// # Evidence
//
// exact: both values are read back and compared. With hidden: true, or a variable that somebody made hidden, GitLab shows no
// value: stamped, by the marker in the description, which is written in the same request. hidden needs GitLab 17.4 and
// cannot be taken back. canary: a pipeline has used the pair:
//
//	sinks: [{ sink: variables, canary: { workflow: platform/deploy, ref: main, deadline: 10m } }]
//
// workflow is the project whose pipeline is started, by default the one of the sink; ref is its branch or tag, and must
// be protected if the variables are. The pipeline gets the variable KEYTURN_KEY_ID, the new key's id, and must fail unless it sees that one:
//
//	keyturn:
//	  rules: [{ if: $KEYTURN_KEY_ID }]
//	  environment: production
//	  script:
//	    - test "$AWS_ACCESS_KEY_ID" = "$KEYTURN_KEY_ID"
//	    - aws sts get-caller-identity --output text --query Arn
//
// Give every other job a rule that leaves it out of such a pipeline. The project must let the token's role set pipeline variables.
//
// # When readers read
//
// GitLab puts the variables together when a runner takes the job. Let grace be as long as the longest job runs.
//
// # Limits
//
// Project variables win over those of groups, and those over the instance's. Check warns of a variable in the same place
// whose environment scope is narrower; it does not look into the projects below a group. Environment scopes
// of groups need GitLab Premium. Instance variables have none, and cannot be hidden. Two scopes in which the same robot is
// served are two sinks.
//
// Verified against: GitLab's REST API documentation, a model of it in the unit tests. Not yet a real GitLab.
package gitlab
