package file

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"keyturn/sinks"
)

// An edit of any bytes either is refused or serves the pair, can be repeated, and
// leaves every line alone that is not about the pair.
func fuzzLines(f *testing.F, ed format, added string) {
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		out, err := edited(ed, text, fresh)
		if !bytes.Equal(before, text) {
			t.Fatalf("the input was changed")
		}
		if err != nil {
			return
		}
		again, err := edited(ed, out, fresh)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("a second edit: %v\n%q\n%q", err, out, again)
		}
		if bytes.HasSuffix(out, newline) != (len(text) == 0 || bytes.HasSuffix(text, newline)) {
			t.Errorf("the end of the file changed: %q, %q", text, out)
		}
		if was, is := others(string(text)), others(string(out)); !slices.Equal(was, is) && !slices.Equal(was, without(is, added)) {
			t.Errorf("neighbours changed:\n%q\n%q", was, is)
		}
	})
}

// others are the lines that are not about a pair, at the end without blank ones.
func others(text string) (lines []string) {
	for _, l := range strings.Split(text, "\n") {
		lower := strings.ToLower(l)
		if !slices.ContainsFunc([]string{iniKeyID, iniSecret, iniSession, iniSecurity}, func(name string) bool {
			return strings.Contains(lower, name)
		}) {
			lines = append(lines, strings.TrimSuffix(l, "\r"))
		}
	}
	return chopBlank(lines)
}

func chopBlank(lines []string) []string {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// without is lines without a last one that was added.
func without(lines []string, added string) []string {
	if n := len(lines) - 1; n >= 0 && lines[n] == added {
		return chopBlank(lines[:n])
	}
	return lines
}

func FuzzCredentials(f *testing.F) {
	for _, text := range []string{
		"", "[ci]", oldFile, "[a]\nx=1\n[ci]\r\ns3 =\n  aws_access_key_id = x\nAWS_SECRET_ACCESS_KEY:y # z\n[b]\n",
		"[ci]\n aws_session_token=1\n b = 2\n", "[ ci ]\n", "[ci] ; ]\n=\n:\n[", "[ci]\nx =\n  y\n aws_access_key_id\n", "\n\n[b]\n\n",
	} {
		f.Add([]byte(text))
	}
	fuzzLines(f, credentials{profile: "ci"}, "[ci]")
}

func FuzzDotenv(f *testing.F) {
	for _, text := range []string{
		"", "A=1", "export AWS_ACCESS_KEY_ID='a' # b\r\nX=\"1\n2\"\nAWS_SECRET_ACCESS_KEY = b\n", "A='\n", "AWS_SESSION_TOKEN=\n", "A=\\\n", "#\n",
	} {
		f.Add([]byte(text))
	}
	fuzzLines(f, dotenv{names: sinks.DefaultVariables}, "")
}

func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		"", "{}", ` { "aws" : {"n":1.50, "AWS_SESSION_TOKEN": null} , "x":[{"a":"\u00e9"}]}`, `{"aws":{"AWS_ACCESS_KEY_ID":"a"}}`,
		"{\r\n\t\"aws\": {\r\n\t\t\"AWS_SECRET_ACCESS_KEY\": \"\\/\"\r\n\t}\r\n}\r\n", `{"a":{},"aws":{}}`, `{"aws":{"AWS_SESSION_TOKEN":"1"},"b":1e5}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ed := object{path: []string{"aws"}, names: sinks.DefaultVariables}
		out, err := edited(ed, text, fresh)
		if err != nil {
			return
		}
		again, err := edited(ed, out, fresh)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("a second edit: %v\n%q\n%q", err, out, again)
		}
		if was, is := othersOf(t, text), othersOf(t, out); !reflect.DeepEqual(was, is) {
			t.Errorf("neighbours changed:\n%q\n%q", text, out)
		}
	})
}

// othersOf decodes, keeps the spelling of numbers, and leaves the pair out.
func othersOf(t *testing.T, text []byte) map[string]any {
	doc := map[string]any{}
	if isEmpty(text) {
		return doc
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatalf("no JSON: %v: %q", err, text)
	}
	aws, _ := doc["aws"].(map[string]any)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		delete(aws, name)
	}
	if len(aws) == 0 {
		delete(doc, "aws")
	}
	return doc
}

// On files as people write them, the SDK's own reader sees the new pair in our profile
// and the same as before in every other one.
func TestTheSDKReadsTheNewPairAndTheOldNeighbours(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	rapid.Check(t, func(r *rapid.T) {
		profiles := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"default", "ci", "prod", "a-b"}), 1, 4, rapid.ID[string]).Draw(r, "profiles")
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"# top\n", "\n", "; x = [y]\n"}), 0, 2).Draw(r, "top"), "")
		for _, p := range profiles {
			text += "[" + p + "]\n"
			for _, l := range rapid.Permutation([]string{
				"aws_access_key_id = AKIA" + p + "\n", "aws_secret_access_key=s/" + p + " # note\n", "Region: eu\n", "# c\n", "\n",
				"aws_session_token = t\n", "s3 =\n  aws_access_key_id = nested\n  max = 5\n",
			}).Draw(r, "lines")[:rapid.IntRange(0, 7).Draw(r, "n")] {
				text += l
			}
		}
		if rapid.Bool().Draw(r, "crlf") {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		out, err := edited(credentials{profile: "ci"}, []byte(text), fresh)
		if err != nil {
			r.Fatalf("refused: %v\n%s", err, text)
		}
		for _, p := range profiles {
			if p == "ci" {
				continue
			}
			if was, is := profileText(t, path, text, p), profileText(t, path, string(out), p); was != is {
				r.Errorf("profile %s: was %s, is %s", p, was, is)
			}
		}
		mustWrite(t, path, string(out))
		c := readProfile(t, path, "ci").Credentials
		if c.AccessKeyID != fresh.id || !fresh.secret.EqualString(c.SecretAccessKey) || c.SessionToken != "" {
			r.Errorf("the SDK reads another pair from\n%s", out)
		}
	})
}

// profileText is all that the SDK reads of a profile; one without a pair is an error, and stays one.
func profileText(t *testing.T, path, text, profile string) string {
	mustWrite(t, path, text)
	c, err := readSDK(t, path, profile)
	return fmt.Sprintf("%+v %t", c.Credentials, err == nil) + c.Region
}
