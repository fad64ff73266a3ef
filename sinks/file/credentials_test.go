package file

import (
	"strings"
	"testing"

	"keyturn/internal/secret"
)

// fresh is the pair that the tests write; its texts are short, to be seen in tables.
var fresh = pair{id: "AKIANEW", secret: secret.FromString("new/+secret")}

// edits runs a table of files before and after, with both line ends.
func edits(t *testing.T, f format, table map[string]struct{ before, after string }) {
	t.Helper()
	for name, c := range table {
		t.Run(name, func(t *testing.T) {
			for _, end := range []string{"\n", "\r\n"} {
				before := strings.ReplaceAll(c.before, "\n", end)
				want := strings.ReplaceAll(c.after, "\n", end)
				if c.before == "" || strings.Count(c.before, "\n") == 0 {
					want = c.after // nothing tells which end the file wants
				}
				got, err := edited(f, []byte(before), fresh)
				if err != nil {
					t.Fatal(err)
				}
				if string(got) != want {
					t.Errorf("got:\n%q\nwant:\n%q", got, want)
				}
				again, err := edited(f, got, fresh)
				if err != nil || string(again) != string(got) {
					t.Errorf("a second edit: %v, %q", err, again)
				}
			}
		})
	}
}

// refusals runs a table of files and the exact reason why they are refused.
func refusals(t *testing.T, f format, table map[string]struct{ text, want string }) {
	t.Helper()
	for name, c := range table {
		t.Run(name, func(t *testing.T) {
			got, err := edited(f, []byte(c.text), fresh)
			if err == nil {
				t.Fatalf("not refused, gives:\n%s", got)
			}
			if err.Error() != c.want {
				t.Errorf("got  %q\nwant %q", err, c.want)
			}
		})
	}
}

func TestAProfileIsEdited(t *testing.T) {
	edits(t, credentials{profile: "ci"}, map[string]struct{ before, after string }{
		"a new file is made": {
			before: "",
			after:  "[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\n",
		},
		"a profile is added behind the others": {
			before: "[default]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C\n",
			after: "[default]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C\n" +
				"\n[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\n",
		},
		"a file without a last newline stays without one": {
			before: "# mine\n[other]\nregion = eu",
			after:  "# mine\n[other]\nregion = eu\n\n[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret",
		},
		"a blank line at the end serves as the gap": {
			before: "[other]\n\n",
			after:  "[other]\n\n[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\n",
		},
		"only two values change": {
			before: "; top\n[ci]\n# id\nAWS_Access_Key_Id=OLD   # made by hand\nregion = eu-west-1\n\n" +
				"aws_secret_access_key :  old/secret\t\n[z]\naws_access_key_id = Z\naws_secret_access_key = Y\n",
			after: "; top\n[ci]\n# id\nAWS_Access_Key_Id=AKIANEW   # made by hand\nregion = eu-west-1\n\n" +
				"aws_secret_access_key :  new/+secret\t\n[z]\naws_access_key_id = Z\naws_secret_access_key = Y\n",
		},
		"session tokens go": {
			before: "[ci]\naws_access_key_id = OLD\naws_session_token = T\naws_secret_access_key = S\naws_security_token = T\n",
			after:  "[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\n",
		},
		"a session token in a last line without a newline goes": {
			before: "[ci]\naws_access_key_id = OLD\naws_secret_access_key = S\naws_session_token = T",
			after:  "[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret",
		},
		"a missing secret goes beside the id": {
			before: "[ci]\nregion = x\naws_access_key_id = OLD\noutput = json\n",
			after:  "[ci]\nregion = x\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\noutput = json\n",
		},
		"a missing id goes beside the secret": {
			before: "[ci]\nregion = x\naws_secret_access_key = OLD\noutput = json\n",
			after:  "[ci]\nregion = x\naws_secret_access_key = new/+secret\naws_access_key_id = AKIANEW\noutput = json\n",
		},
		"an empty section is filled": {
			before: "[ci] # empty\n[other]\n",
			after:  "[ci] # empty\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\n[other]\n",
		},
		"a section that is the last line is filled": {
			before: "[other]\n[ci]",
			after:  "[other]\n[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret",
		},
		"empty values are filled": {
			before: "[ci]\naws_access_key_id = # later\naws_secret_access_key=\n",
			after:  "[ci]\naws_access_key_id =AKIANEW # later\naws_secret_access_key=new/+secret\n",
		},
		"nested settings stay, whatever they are called": {
			before: "[ci]\naws_access_key_id = OLD\naws_secret_access_key = OLD\ns3 =\n  max_concurrent_requests = 20\n" +
				"  aws_access_key_id = decoy\n  # inside\nregion = x\n",
			after: "[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\ns3 =\n  max_concurrent_requests = 20\n" +
				"  aws_access_key_id = decoy\n  # inside\nregion = x\n",
		},
		"settings that are all indented stay so": {
			before: "[ci]\n\tregion = x\n\taws_access_key_id = OLD\n[b]\n",
			after:  "[ci]\n\tregion = x\n\taws_access_key_id = AKIANEW\n\taws_secret_access_key = new/+secret\n[b]\n",
		},
		"what is added to an indented section is indented": {
			before: "[ci]\n  region = x\n",
			after:  "[ci]\n  aws_access_key_id = AKIANEW\n  aws_secret_access_key = new/+secret\n  region = x\n",
		},
		"a commented pair is a comment": {
			before: "[ci]\n# aws_access_key_id = X\n;aws_secret_access_key = Y\n",
			after:  "[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\n# aws_access_key_id = X\n;aws_secret_access_key = Y\n",
		},
		"similar names are neighbours": {
			before: "[profile ci]\naws_access_key_id = P\n[CI]\naws_access_key_id = C\n[ci]\naws_access_key_id_old = O\n",
			after: "[profile ci]\naws_access_key_id = P\n[CI]\naws_access_key_id = C\n" +
				"[ci]\naws_access_key_id = AKIANEW\naws_secret_access_key = new/+secret\naws_access_key_id_old = O\n",
		},
	})
}

func TestMixedLineEndsStay(t *testing.T) {
	got, err := edited(credentials{profile: "ci"}, []byte("[a]\n[ci]\r\naws_access_key_id=x\n[b]\r\nr=1"), fresh)
	want := "[a]\n[ci]\r\naws_access_key_id=AKIANEW\naws_secret_access_key = new/+secret\n[b]\r\nr=1"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

func TestUnclearProfilesAreRefused(t *testing.T) {
	refusals(t, credentials{profile: "ci"}, map[string]struct{ text, want string }{
		"a section that is there twice": {
			"[ci]\naws_access_key_id=A\n[b]\n[ci]\n", "line 4: the profile starts a second time; it starts in line 1 already"},
		"a setting that is there twice": {
			"[ci]\naws_access_key_id=A\nAWS_ACCESS_KEY_ID=B\n", "line 3: aws_access_key_id is set a second time; it is set in line 2 already"},
		"a header with blanks inside": {
			"[ ci ]\naws_access_key_id=A\n", "line 1: readers disagree on whether the profile starts here"},
		"a header with a bracket in its comment": {
			"[ci] ; see [b]\n", "line 1: readers disagree on whether the profile starts here"},
		"a header that is indented below a setting": {
			"[a]\nx = 1\n  [ci]\naws_access_key_id=A\n", "line 3: readers disagree on whether the profile starts here"},
		"an indented pair below another setting": {
			"[ci]\nregion = x\n  aws_access_key_id = A\n", "line 3: readers disagree on whether this belongs to the profile"},
		"a value of several lines": {
			"[ci]\naws_secret_access_key = abc\n   def\n", "line 3: continues the value of a setting that is to be changed"},
		"a value of several lines that looks like a setting": {
			"[ci]\naws_secret_access_key =\n   x = y\n", "line 3: continues the value of a setting that is to be changed"},
		"a byte order mark":                         {"\xef\xbb\xbf[ci]\n", "starts with a byte order mark"},
		"a binary file":                             {"[ci]\x00\n", "is not a text file (it holds zero bytes)"},
		"old Mac line ends":                         {"[ci]\raws_access_key_id=A\r", "has a carriage return that does not end a line"},
		"an indented header below an empty section": {"[ci]\n  [b]\nregion=x\n", "cannot be edited safely"},
	})
}
