// Package file writes a pair into a file on this machine: a profile of an AWS
// credentials file, two variables of a dotenv file, or two fields of a JSON file.
//
//	sinks:
//	  builder:
//	    file:
//	      path: /home/builder/.aws/credentials
//	      format: credentials        # or dotenv, json
//	      profile: ci                # credentials only; default: default
//	      readers: owner             # mode 0600; group: mode 0640
//	  app:
//	    file: { path: /srv/app/.env, format: dotenv }
//	  tool:
//	    file:
//	      path: /etc/tool/config.json
//	      format: json
//	      object: [aws, ci]          # json only; default: the outermost object
//	      variables: { access_key_id: id, secret_access_key: secret, session_token: token }
//
// # What a push changes
//
// Only the two values. Comments, order, indentation, line ends, other settings and
// nested settings stay byte for byte; so do a comment behind a value and its quotes. What
// is missing (the file, the profile, a variable, a field) is added. A stale session token
// beside the pair is removed, because with it the pair does not work.
//
//	credentials  aws_access_key_id and aws_secret_access_key of one section; removes
//	             aws_session_token and aws_security_token
//	dotenv       lines that read KEY=value or export KEY=value
//	json         two strings of one object; numbers, escapes and layout of the rest stay
//
// The file is replaced in one step, so a reader gets the old pair or the new one, never
// a mix: a temporary file in the same folder (mode 0600, same owner and group) is
// written, synced and renamed, then the folder is synced. If the path is a link, the file it
// leads to is replaced and the link stays. Pushes exclude each other with an advisory lock
// on .NAME.keyturn.lock beside the file, which stays there. Whoever else edits the file should
// lock it too (flock); if it changes during a push all the same, the push starts again.
// Temporary files of a push that was killed are called .NAME.keyturn-*.tmp; the next push
// removes them.
//
// # Mode and owner
//
// The file ends up with mode 0600, or 0640 with readers: group, even if it was wider
// before: Check warns of that. Owner and group are kept; a new file belongs to the user that
// keyturn runs as. Access control lists and extended attributes are not kept.
//
// # What is refused
//
// A file is refused, and nothing is changed, if it is not plain which line counts: a section,
// variable or field that is there twice; a pair whose lines Python's readers (AWS CLI,
// boto3) and the other AWS SDKs understand differently; a variable inside a quoted value of
// several lines, or one whose value is not plain text; invalid JSON. Also refused: what is not a
// regular file, more than 4 MiB, hard links, and a single file mounted into a container
// (mount its folder).
//
// # Evidence
//
// exact: the file is read again and compared. Serving tells the key id.
//
// # When readers read
//
// AWS SDKs and the CLI read the credentials file when a process starts, and most keep
// what they read until it ends. A dotenv file is read when a service or container starts.
// So grace has to be longer than the longest job; a daemon must be restarted, or told to
// reload, within it.
//
// # Limits
//
// A path may be relative, to the working directory of keyturn. The file system should be
// local: a call that hangs in a network file system cannot be ended. The folder should not be
// writable by anyone who must not have the pair.
//
// Verified against: real files on Linux; profiles are read back with the AWS SDK's own reader.
package file
