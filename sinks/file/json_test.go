package file

import (
	"testing"

	"keyturn/sinks"
)

func TestFieldsAreEdited(t *testing.T) {
	edits(t, object{names: sinks.DefaultVariables}, map[string]struct{ before, after string }{
		"a new file is made": {
			before: "",
			after:  "{\n  \"AWS_ACCESS_KEY_ID\": \"AKIANEW\",\n  \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"\n}\n",
		},
		"only two values change": {
			before: "{\n\t\"z\": 1.0e+2, \"n\": [1,2 ,3],\n\t\"AWS_SECRET_ACCESS_KEY\" : \"old\",\n\t\"u\": \"\\u00e9\\/\",\n" +
				"\t\"AWS_ACCESS_KEY_ID\":\"OLD\", \"big\": 12345678901234567890\n}",
			after: "{\n\t\"z\": 1.0e+2, \"n\": [1,2 ,3],\n\t\"AWS_SECRET_ACCESS_KEY\" : \"new/+secret\",\n\t\"u\": \"\\u00e9\\/\",\n" +
				"\t\"AWS_ACCESS_KEY_ID\":\"AKIANEW\", \"big\": 12345678901234567890\n}",
		},
		"fields are added as their neighbours stand": {
			before: "{\n    \"region\": \"eu\",\n    \"x\": {}\n}\n",
			after: "{\n    \"region\": \"eu\",\n    \"x\": {},\n    \"AWS_ACCESS_KEY_ID\": \"AKIANEW\",\n" +
				"    \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"\n}\n",
		},
		"fields are added below a single neighbour": {
			before: "{\n  \"a\" : 1\n}\n",
			after:  "{\n  \"a\" : 1,\n  \"AWS_ACCESS_KEY_ID\" : \"AKIANEW\",\n  \"AWS_SECRET_ACCESS_KEY\" : \"new/+secret\"\n}\n",
		},
		"a dense file stays dense": {
			before: "{\"a\":1}",
			after:  "{\"a\":1,\"AWS_ACCESS_KEY_ID\":\"AKIANEW\",\"AWS_SECRET_ACCESS_KEY\":\"new/+secret\"}",
		},
		"a file in one line stays so": {
			before: "{\"a\": 1}\n",
			after:  "{\"a\": 1, \"AWS_ACCESS_KEY_ID\": \"AKIANEW\", \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"}\n",
		},
		"an empty object is filled": {
			before: " {} ",
			after:  " {\"AWS_ACCESS_KEY_ID\": \"AKIANEW\", \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"} ",
		},
		"the session token goes from the start": {
			before: "{\"AWS_SESSION_TOKEN\": \"t\", \"AWS_ACCESS_KEY_ID\": \"o\", \"AWS_SECRET_ACCESS_KEY\": \"s\"}",
			after:  "{\"AWS_ACCESS_KEY_ID\": \"AKIANEW\", \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"}",
		},
		"the session token goes from the end": {
			before: "{\n  \"AWS_ACCESS_KEY_ID\": null,\n  \"AWS_SECRET_ACCESS_KEY\": \"s\",\n  \"AWS_SESSION_TOKEN\": null\n}\n",
			after:  "{\n  \"AWS_ACCESS_KEY_ID\": \"AKIANEW\",\n  \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"\n}\n",
		},
		"the session token goes when it is alone": {
			before: "{\n  \"AWS_SESSION_TOKEN\": \"t\"\n}\n",
			after:  "{\n  \"AWS_ACCESS_KEY_ID\": \"AKIANEW\",\n  \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"\n}\n",
		},
		"an escaped name is the name": {
			before: "{\"AWS\\u005fACCESS_KEY_ID\": \"o\", \"AWS_SECRET_ACCESS_KEY\": \"s\"}",
			after:  "{\"AWS\\u005fACCESS_KEY_ID\": \"AKIANEW\", \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"}",
		},
		"a nested object with these names is a neighbour": {
			before: "{\"AWS_ACCESS_KEY_ID\": \"o\", \"x\": {\"AWS_ACCESS_KEY_ID\": \"n\"}, \"AWS_SECRET_ACCESS_KEY\": \"s\"}",
			after:  "{\"AWS_ACCESS_KEY_ID\": \"AKIANEW\", \"x\": {\"AWS_ACCESS_KEY_ID\": \"n\"}, \"AWS_SECRET_ACCESS_KEY\": \"new/+secret\"}",
		},
	})
}

func TestFieldsOfANestedObjectAreEdited(t *testing.T) {
	names := sinks.Variables{AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: "token"}
	edits(t, object{path: []string{"aws", "ci"}, names: names}, map[string]struct{ before, after string }{
		"the object is there": {
			before: "{\n  \"id\": 7,\n  \"aws\": {\"ci\": {\"id\": \"o\", \"token\": \"t\"}}\n}\n",
			after:  "{\n  \"id\": 7,\n  \"aws\": {\"ci\": {\"id\": \"AKIANEW\", \"secret\": \"new/+secret\"}}\n}\n",
		},
		"the last object is missing": {
			before: "{\n  \"aws\": {\n    \"prod\": {}\n  }\n}\n",
			after:  "{\n  \"aws\": {\n    \"prod\": {},\n    \"ci\": {\"id\": \"AKIANEW\", \"secret\": \"new/+secret\"}\n  }\n}\n",
		},
		"all is missing": {
			before: "{\"id\": 7, \"secret\": 8}",
			after:  "{\"id\": 7, \"secret\": 8, \"aws\": {\"ci\": {\"id\": \"AKIANEW\", \"secret\": \"new/+secret\"}}}",
		},
	})
	refusals(t, object{path: []string{"aws", "ci"}, names: names}, map[string]struct{ text, want string }{
		"the path leads to something else": {`{"aws": {"ci": "x"}}`, `"ci" is not an object`},
		"the path is there twice":          {`{"aws": {}, "aws": {}}`, `"aws" is there 2 times`},
		"the path leads through nothing":   {`{"aws": null}`, `"aws" is not an object`},
		"an inner name is there twice":     {`{"id":1,"id":2,"aws":{"ci":{"id":"","id":""}}}`, `"id" is there 2 times`},
	})
}

func TestUnclearJSONIsRefused(t *testing.T) {
	refusals(t, object{names: sinks.DefaultVariables}, map[string]struct{ text, want string }{
		"a field that is there twice": {`{"AWS_ACCESS_KEY_ID": "a", "AWS_ACCESS_KEY_ID": "b"}`, `"AWS_ACCESS_KEY_ID" is there 2 times`},
		"a field that is no string":   {`{"AWS_SECRET_ACCESS_KEY": {"a": 1}}`, `"AWS_SECRET_ACCESS_KEY" is not a string`},
		"a token that is no string":   {`{"AWS_SESSION_TOKEN": 1}`, `"AWS_SESSION_TOKEN" is not a string`},
		"a list":                      {` [1]`, "does not hold a JSON object"},
		"half a file":                 {`{"AWS_SECRET_ACCESS_KEY": "verysecret`, "is not valid JSON from byte 37 on"},
		"two values":                  {`{} {}`, "is not valid JSON from byte 4 on"},
		"comments":                    {"{\n// no\n}", "is not valid JSON from byte 3 on"},
		"a byte order mark":           {"\xef\xbb\xbf{}", "is not valid JSON from byte 1 on"},
	})
}
