package file

import (
	"testing"

	"keyturn/sinks"
)

func TestVariablesAreEdited(t *testing.T) {
	edits(t, dotenv{names: sinks.DefaultVariables}, map[string]struct{ before, after string }{
		"a new file is made": {
			before: "",
			after:  "AWS_ACCESS_KEY_ID=AKIANEW\nAWS_SECRET_ACCESS_KEY=new/+secret\n",
		},
		"only two values change": {
			before: "# db\nDB=\"a b\"\n\nAWS_SECRET_ACCESS_KEY=old # why\nPORT=0080\nexport AWS_ACCESS_KEY_ID='OLD'  # id\n",
			after:  "# db\nDB=\"a b\"\n\nAWS_SECRET_ACCESS_KEY=new/+secret # why\nPORT=0080\nexport AWS_ACCESS_KEY_ID='AKIANEW'  # id\n",
		},
		"the session token goes": {
			before: "AWS_ACCESS_KEY_ID=OLD\nAWS_SESSION_TOKEN=T\nAWS_SECRET_ACCESS_KEY=S\n",
			after:  "AWS_ACCESS_KEY_ID=AKIANEW\nAWS_SECRET_ACCESS_KEY=new/+secret\n",
		},
		"what is added looks like the other half": {
			before: "  export AWS_SECRET_ACCESS_KEY=\"old\"\nX=1\n",
			after:  "  export AWS_SECRET_ACCESS_KEY=\"new/+secret\"\n  export AWS_ACCESS_KEY_ID=\"AKIANEW\"\nX=1\n",
		},
		"what is added is exported if all is": {
			before: "export A=1\nexport B='2'",
			after:  "export A=1\nexport B='2'\nexport AWS_ACCESS_KEY_ID=AKIANEW\nexport AWS_SECRET_ACCESS_KEY=new/+secret",
		},
		"what is added is not exported if not all is": {
			before: "export A=1\nB=2\n",
			after:  "export A=1\nB=2\nAWS_ACCESS_KEY_ID=AKIANEW\nAWS_SECRET_ACCESS_KEY=new/+secret\n",
		},
		"empty values are filled": {
			before: "AWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY='' # none\n",
			after:  "AWS_ACCESS_KEY_ID=AKIANEW\nAWS_SECRET_ACCESS_KEY='new/+secret' # none\n",
		},
		"blanks around the sign stay": {
			before: "AWS_ACCESS_KEY_ID = OLD\nAWS_SECRET_ACCESS_KEY =  \"old\"\n",
			after:  "AWS_ACCESS_KEY_ID = AKIANEW\nAWS_SECRET_ACCESS_KEY =  \"new/+secret\"\n",
		},
		"comments and similar names are neighbours": {
			before: "#AWS_ACCESS_KEY_ID=X\nAWS_ACCESS_KEY_ID_OLD=Y\naws_access_key_id=Z\nMY_AWS_ACCESS_KEY_ID=W\n",
			after: "#AWS_ACCESS_KEY_ID=X\nAWS_ACCESS_KEY_ID_OLD=Y\naws_access_key_id=Z\nMY_AWS_ACCESS_KEY_ID=W\n" +
				"AWS_ACCESS_KEY_ID=AKIANEW\nAWS_SECRET_ACCESS_KEY=new/+secret\n",
		},
		"a neighbour of several lines stays": {
			before: "PEM=\"-----BEGIN\nabc\\\"def\n-----END\"\nAWS_ACCESS_KEY_ID=OLD\n",
			after:  "PEM=\"-----BEGIN\nabc\\\"def\n-----END\"\nAWS_ACCESS_KEY_ID=AKIANEW\nAWS_SECRET_ACCESS_KEY=new/+secret\n",
		},
	})
}

func TestUnclearVariablesAreRefused(t *testing.T) {
	refusals(t, dotenv{names: sinks.DefaultVariables}, map[string]struct{ text, want string }{
		"a variable that is there twice": {
			"AWS_ACCESS_KEY_ID=A\nexport AWS_ACCESS_KEY_ID=B\n", "line 2: AWS_ACCESS_KEY_ID is set a second time; it is set in line 1 already"},
		"a variable inside a quoted value": {
			"A=\"x\nAWS_ACCESS_KEY_ID=A\n\"\n", "line 2: AWS_ACCESS_KEY_ID stands in a quoted value that starts in line 1"},
		"a variable behind a continued line": {
			"A=x\\\nAWS_ACCESS_KEY_ID=A\n", "line 2: AWS_ACCESS_KEY_ID stands behind a line that ends with a backslash"},
		"a quote that is never closed":     {"A=1\nB='x\n", "line 2: a quoted value is not closed"},
		"a continued last line":            {"A=1\\", "the last line ends with a backslash"},
		"a value of several lines":         {"AWS_SECRET_ACCESS_KEY=\"x\ny\"\n", "line 1: AWS_SECRET_ACCESS_KEY has a quoted value of several lines"},
		"a value from a command":           {"AWS_SECRET_ACCESS_KEY=$(pass aws)\n", "line 1: AWS_SECRET_ACCESS_KEY is not one plain value"},
		"two assignments in a line":        {"export AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b\n", "line 1: AWS_ACCESS_KEY_ID is not one plain value"},
		"two quoted assignments in a line": {"AWS_ACCESS_KEY_ID='a'; B=b\n", "line 1: AWS_ACCESS_KEY_ID has more behind its quoted value"},
		"a colon":                          {"AWS_ACCESS_KEY_ID: A\n", "line 1: AWS_ACCESS_KEY_ID is set with a colon"},
		"a binary file":                    {"A=\x00\n", "is not a text file (it holds zero bytes)"},
	})
}
