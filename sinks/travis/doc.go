// Package travis writes a pair into the environment variables of a repository's settings at Travis CI.
//
//	sinks:
//	  builds:
//	    travis:
//	      token: { file: /run/credentials/keyturn/travis }
//	      repository: acme/app
//	      branch: main              # all branches by default
//	      public_key_id: true
//
// # What a push changes
//
// The values of the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them) of one repository, for
// one branch or for all: Travis takes two variables of one name for different branches, and keyturn changes those of the configured
// branch only. A variable AWS_SESSION_TOKEN of that branch is removed, because with a stale one the pair does not work. Variables that do not
// exist are created, not public.
//
// Travis changes a variable by removing and adding it, so that it is absent for a moment: a build that starts right then gets no key
// at all, or the new secret with the old key id. Two changes in one repository at the same time can undo each other. keyturn makes
// one change at a time in a repository, whichever robots it serves there, and looks afterwards whether both variables are there;
// a variable that was lost half way is created anew. It cannot keep others from changing the settings in the same moment: rotate in
// a window in which nobody does, and write repository the same way in all sinks (a path, or a number).
//
// There is no bundle: Travis puts values into a line of shell as they are, which does not do for a file of several lines.
//
// # Authentication
//
// token: an API token of a user who may change the settings of the repository (write access at the host of the code). It may do all that
// its user may: give keyturn a user of its own. Check asks Travis for the user's permissions. Travis' tokens do not run out.
//
// # Evidence
//
// accepted: Travis took the values and shows that the variables are there, and nothing else: neither value, nor time, nor version.
// That is less than the default, so a robot's sink must say min_evidence: accepted. What somebody else changes later is not noticed. With
//
//	public_key_id: true
//
// the key id is made public: it is read back, and the evidence is partial. It is then printed at the top of every
// build's log; a key id is not secret, but it names the account. The secret still shows nothing: if it alone is changed later, or a push
// ends between the two writes, only the next push sets it right. A variable for the secret that is public is refused.
//
// # When readers read
//
// A job gets the variables when it starts. Let grace be as long as the longest build waits and runs, and look at the builds after the
// first rotation: nothing that Travis shows proves that they get the new pair.
//
// # Limits
//
// Check warns of variables of the same name for one branch: its builds get both, and the later one counts. Variables that are not public are kept from builds of pull requests
// from forks. travis-ci.org is no more; a repository that was moved from there must be named as it is at travis-ci.com.
//
// Verified against: Travis CI's API v3 documentation and the source of its server, a model of it in the unit tests. Not yet Travis itself.
package travis
