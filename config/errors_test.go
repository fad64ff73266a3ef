package config

import (
	"errors"
	"strings"
	"testing"
)

const (
	seal   = "seal: { key: { file: k } }\n"
	aBox   = "sinks:\n  box:\n    box: { address: a, token: { env: T }, path: \"p/${robot}\" }\n"
	aRobot = "robots:\n  ci-bot: { sinks: [box] }\n"
)

func TestLoadRefuses(t *testing.T) {
	tests := map[string]struct{ doc, want string }{
		"a key with letters swapped": {
			seal + aBox + "robots:\n  ci-bot:\n    shedule: \"@monthly\"\n    sinks: [box]\n",
			"k.yaml:7:5: robots.ci-bot.shedule: unknown key, did you mean schedule"},
		"a key that resembles nothing": {
			seal + "zzz: 1\n",
			"k.yaml:2:1: zzz: unknown key; there are aws, journal, seal, defaults, sinks, robots"},
		"a key that resembles nothing, among many": {
			seal + aBox + "robots:\n  ci-bot: { zzz: 1, sinks: [box] }\n",
			"k.yaml:6:13: robots.ci-bot.zzz: unknown key; there are user, account, schedule, grace, quiet, soak, max_age, make_room, on_leak, leak_deadline, verify, sinks"},
		"a key that is no name is not shown": {
			seal + "\"my secret: hunter2\": 1\n",
			"k.yaml:2:1: ?: unknown key; there are aws, journal, seal, defaults, sinks, robots"},
		"keys of a later version": {
			seal + "server: { listen: x }\nsignals: []\nnotify:\naudit: 1\njournal: { postgres: { dsn: { env: X } } }\n" + aBox +
				"robots:\n  ci-bot:\n    window: x\n    blackouts: [x]\n    sinks: [box]\n", "k.yaml:2:1: server: not in this version\n" +
				"k.yaml:3:1: signals: not in this version\n" +
				"k.yaml:4:1: notify: not in this version\n" +
				"k.yaml:5:8: audit: not in this version\n" +
				"k.yaml:6:12: journal.postgres: not in this version\n" +
				"k.yaml:12:13: robots.ci-bot.window: not in this version\n" +
				"k.yaml:13:5: robots.ci-bot.blackouts: not in this version"},
		"a canary of a kind that has none": {
			seal + aBox + "robots:\n  ci-bot: { sinks: [{ sink: box, canary: { workflow: w } }] }\n",
			"k.yaml:6:34: robots.ci-bot.sinks[0].canary: kind box has no canary"},
		"wrong types": {
			seal + "aws: { region: 1, settle: [x], concurrency: many, accounts: x, probe: [1] }\ndefaults: { grace: 30, quiet: -1h, soak: true, make_room: all, on_leak: 1, leak_deadline: }\n",
			"k.yaml:2:16: aws.region: must be text: put it in quotes\n" +
				"k.yaml:2:19: aws.settle: must be a duration such as 90s, 1h30m or 30d\n" +
				"k.yaml:2:45: aws.concurrency: must be a whole number\n" +
				"k.yaml:2:61: aws.accounts: must be a map of keys and values\n" +
				"k.yaml:2:64: aws.probe: must be a map of keys and values\n" +
				"k.yaml:3:20: defaults.grace: must be a duration such as 90s, 1h30m or 30d\n" +
				"k.yaml:3:31: defaults.quiet: must be a duration such as 90s, 1h30m or 30d\n" +
				"k.yaml:3:42: defaults.soak: must be a duration such as 90s, 1h30m or 30d\n" +
				"k.yaml:3:59: defaults.make_room: must be own, inactive or unused\n" +
				"k.yaml:3:73: defaults.on_leak: must be text: put it in quotes\n" +
				"k.yaml:3:76: defaults.leak_deadline: must be a duration such as 90s, 1h30m or 30d"},
		"numbers that are not plain or do not fit": {
			seal + "aws: { concurrency: 0x20, probe: { rounds: 1.5 } }\nsinks: { b: { box: { slots: 99999999999999999999 } }, c: { box: { slots: 010 } }, d: { box: { slots: \"3\", extra: { a: 1.5 } } } }\n",
			"k.yaml:2:21: aws.concurrency: must be a whole number\n" +
				"k.yaml:2:44: aws.probe.rounds: must be a whole number\n" +
				"k.yaml:3:29: sinks.b.box.slots: must be a whole number\n" +
				"k.yaml:3:74: sinks.c.box.slots: must be a whole number\n" +
				"k.yaml:3:102: sinks.d.box.slots: must be a whole number\n" +
				"k.yaml:3:119: sinks.d.box.extra.a: must be a whole number, or text in quotes"},
		"values out of bounds": {
			seal + "aws:\n  region: Frankfurt\n  concurrency: 0\n  probe: { rounds: 10, spacing: 1m, deadline: 2m }\ndefaults: { max_age: 10s }\njournal: { path: \"\" }\n",
			"k.yaml:3:11: aws.region: not the name of a region, such as us-east-1\n" +
				"k.yaml:4:16: aws.concurrency: must be 1 to 1000\n" +
				"k.yaml:5:47: aws.probe.deadline: too short for that many rounds with that spacing\n" +
				"k.yaml:6:22: defaults.max_age: must be at least 1m, or 0 for none\n" +
				"k.yaml:7:18: journal.path: must not be empty"},
		"accounts": {
			seal + `aws:
  accounts:
    default: { role_arn: "arn:aws:iam::111122223333:role/k" }
    "bad name": { role_arn: "arn:aws:iam::111122223333:role/k" }
    none: {}
    user: { role_arn: "arn:aws:iam::111122223333:user/k" }
    details: { role_arn: "arn:aws:iam::111122223333:role/k", external_id: " ", session_name: "k ${robot}", duration: 13h }
    unknown: { role_arn: "arn:aws:iam::111122223333:role/k", session_name: "k-${user}" }
    long: { role_arn: "arn:aws:iam::111122223333:role/k", session_name: "keyturn-in-the-account-of-the-department-for-machines-${rotation}" }
    typed: { role_arn: 1, duration: soon }
`, "k.yaml:4:5: aws.accounts.default: default is the SDK's own credential chain; give this account another name\n" +
				"k.yaml:5:5: aws.accounts.?: a name has at most 64 letters, digits and . _ - and begins with a letter or digit\n" +
				"k.yaml:6:5: aws.accounts.none: role_arn is missing\n" +
				"k.yaml:7:23: aws.accounts.user.role_arn: not the ARN of a role, such as arn:aws:iam::111122223333:role/keyturn\n" +
				"k.yaml:8:75: aws.accounts.details.external_id: must be 2 to 1224 letters, digits and + = , . @ : / _ -\n" +
				"k.yaml:8:94: aws.accounts.details.session_name: may hold letters, digits and + = , . @ _ - beside ${robot} and ${rotation}\n" +
				"k.yaml:8:118: aws.accounts.details.duration: must be 15m to 12h\n" +
				"k.yaml:9:76: aws.accounts.unknown.session_name: unknown placeholder; there are ${robot}, ${rotation}, and $${ stands for a plain ${\n" +
				"k.yaml:10:73: aws.accounts.long.session_name: must come to 2 to 64 characters; a rotation's id has 17\n" +
				"k.yaml:11:24: aws.accounts.typed.role_arn: must be text: put it in quotes\n" +
				"k.yaml:11:37: aws.accounts.typed.duration: must be a duration such as 90s, 1h30m or 30d"},
		"no seal":       {aBox + aRobot, "k.yaml:1:1: seal: missing: what encrypts the journal's secrets, such as { key: { file: /etc/keyturn/seal.key } } (keyturn seal keygen makes one)"},
		"an empty seal": {"seal: {}\n", "k.yaml:1:1: seal: missing: what encrypts the journal's secrets, such as { key: { file: /etc/keyturn/seal.key } } (keyturn seal keygen makes one)"},
		"two seals":     {"seal: { key: { file: k }, kms: { key_id: k } }\n", "k.yaml:1:1: seal: only one of key and kms is allowed"},
		"a KMS key without its id, and its account": {
			"seal: { kms: { region: r, account: prud } }\naws: { accounts: { prod: { role_arn: \"arn:aws:iam::111122223333:role/k\" } } }\n",
			"k.yaml:1:9: seal.kms.key_id: must not be empty\n" +
				"k.yaml:1:24: seal.kms.region: not the name of a region, such as us-east-1\n" +
				"k.yaml:1:36: seal.kms.account: no such account under aws.accounts, did you mean prod"},
		"literal secrets": {
			"seal: { key: hunter2 }\nsinks: { a: { box: { token: 12345 } }, b: { box: { token: [hunter2] } }, c: { box: { token: { hunter2 } } }, d: { box: { token: } } }\n",
			"k.yaml:1:14: seal.key: a literal secret is refused; use {env: NAME}, {file: PATH} or {command: [..]}\n" +
				"k.yaml:2:29: sinks.a.box.token: a literal secret is refused; use {env: NAME}, {file: PATH} or {command: [..]}\n" +
				"k.yaml:2:52: sinks.b.box.token: not a reference to a secret; use {env: NAME}, {file: PATH} or {command: [..]}\n" +
				"k.yaml:2:86: sinks.c.box.token: not a reference to a secret; use {env: NAME}, {file: PATH} or {command: [..]}\n" +
				"k.yaml:2:122: sinks.d.box.token: has no value; use {env: NAME}, {file: PATH} or {command: [..]}"},
		"references that are none": {
			"seal: { key: { file: } }\nsinks: { a: { box: { token: { env: A, file: b } } }, b: { box: { token: { env: wJalr/XUt+nFEMI } } }, c: { box: { token: { command: pass } } }, d: { box: { token: { command: [] } } }, e: { box: { token: { command: [\"\"] } } }, f: { box: { token: { file: \"\" } } }, g: { box: { token: {} } } }\n",
			"k.yaml:1:16: seal.key.file: has no value\n" +
				"k.yaml:2:22: sinks.a.box.token: exactly one of env, file and command is needed; use {env: NAME}, {file: PATH} or {command: [..]}\n" +
				"k.yaml:2:80: sinks.b.box.token.env: not the name of a variable\n" +
				"k.yaml:2:133: sinks.c.box.token.command: must be a list\n" +
				"k.yaml:2:166: sinks.d.box.token.command: must not be empty\n" +
				"k.yaml:2:216: sinks.e.box.token.command[0]: must not be empty\n" +
				"k.yaml:2:254: sinks.f.box.token.file: must not be empty\n" +
				"k.yaml:2:276: sinks.g.box.token: exactly one of env, file and command is needed; use {env: NAME}, {file: PATH} or {command: [..]}"},
		"kinds": {
			seal + "sinks:\n  a: { bxo: {} }\n  b: { teamcity: {} }\n  c: { zzz: {} }\n  d: { box: {}, hole: {} }\n  e: box\n  f:\n  \"g h\": { hole: {} }\n  h: { hole: x }\n",
			"k.yaml:3:8: sinks.a.bxo: unknown kind, did you mean box\n" +
				"k.yaml:4:8: sinks.b.teamcity: kind teamcity is not in this version\n" +
				"k.yaml:5:8: sinks.c.zzz: unknown kind; there are box, hole\n" +
				"k.yaml:6:3: sinks.d: must be a map with one key, the kind of sink\n" +
				"k.yaml:7:6: sinks.e: must be a map with one key, the kind of sink\n" +
				"k.yaml:8:3: sinks.f: must be a map with one key, the kind of sink\n" +
				"k.yaml:9:3: sinks.?: a name has at most 64 letters, digits and . _ - and begins with a letter or digit\n" +
				"k.yaml:10:14: sinks.h.hole: must be a map of keys and values"},
		"a sink that nobody uses is read strictly, and may be incomplete": {
			seal + "sinks:\n  a: { box: { pth: x, path: \"${robt}\", mode: ajar } }\n  b: { box: {} }\n",
			"k.yaml:3:15: sinks.a.box.pth: unknown key, did you mean path\n" +
				"k.yaml:3:29: sinks.a.box.path: unknown placeholder; there are ${account}, ${robot}, ${rotation}, ${user}, and $${ stands for a plain ${\n" +
				"k.yaml:3:46: sinks.a.box.mode: must be open or shut"},
		"robots": {
			seal + aBox + "robots:\n  \"..\": { sinks: [box] }\n  a b: { sinks: [box] }\n  none:\n  optional: { sinks: [{ sink: box, required: false }] }\n  /path/user: { sinks: [box] }\n  u: { user: /path/u, sinks: [box] }\n  r: { verify: { assume_role: deploy }, sinks: [box] }\n",
			"k.yaml:6:3: robots...: not the name of a robot: 1 to 64 letters, digits and + = , . @ _ -\n" +
				"k.yaml:7:3: robots.?: not the name of a robot: 1 to 64 letters, digits and + = , . @ _ -\n" +
				"k.yaml:8:3: robots.none: has no required sink: the new key would be served nowhere\n" +
				"k.yaml:9:3: robots.optional: has no required sink: the new key would be served nowhere\n" +
				"k.yaml:10:3: robots./path/user: not the name of a robot: 1 to 64 letters, digits and + = , . @ _ -\n" +
				"k.yaml:11:14: robots.u.user: not the name of an IAM user: 1 to 64 letters, digits and + = , . @ _ - (no path)\n" +
				"k.yaml:12:31: robots.r.verify.assume_role: not the ARN of a role, such as arn:aws:iam::111122223333:role/keyturn"},
		"robots that are a list": {
			seal + "robots: [a]\nsinks: [a]\n",
			"k.yaml:2:1: robots: must be a map of keys and values\n" +
				"k.yaml:3:1: sinks: must be a map of keys and values"},
		"names of sinks and accounts": {
			seal + aBox + "robots:\n  a: { account: prod, sinks: [bax] }\n  b: { sinks: [{ sink: zzz }] }\n  c: { sinks: [{ with: {} }, [box], 1, { sink: [] }] }\n  d: { sinks: box }\n",
			"k.yaml:6:17: robots.a.account: no such account under aws.accounts; there are default\n" +
				"k.yaml:6:31: robots.a.sinks[0]: no such sink under sinks, did you mean box\n" +
				"k.yaml:7:24: robots.b.sinks[0].sink: no such sink under sinks; there are box\n" +
				"k.yaml:8:16: robots.c.sinks[0]: sink is missing: the name of a sink\n" +
				"k.yaml:8:30: robots.c.sinks[1]: must be the name of a sink, or a map with sink: NAME\n" +
				"k.yaml:8:37: robots.c.sinks[2]: must be the name of a sink, or a map with sink: NAME\n" +
				"k.yaml:8:42: robots.c.sinks[3].sink: must be text\n" +
				"k.yaml:9:15: robots.d.sinks: must be a list"},
		"an account that is nearly there": {
			seal + aBox + "aws: { accounts: { prod: { role_arn: \"arn:aws:iam::111122223333:role/k\" } } }\nrobots:\n  a: { account: prd, sinks: [box] }\n",
			"k.yaml:7:17: robots.a.account: no such account under aws.accounts, did you mean prod"},
		"two robots for one user": {
			seal + aBox + "robots:\n  a: { user: Deploy, sinks: [box] }\n  b: { user: deploy, sinks: [box] }\n  deploy: { sinks: [box] }\n",
			"k.yaml:7:14: robots.b.user: the same IAM user as robots.a: a user belongs to one robot\n" +
				"k.yaml:8:3: robots.deploy: the same IAM user as robots.a: a user belongs to one robot"},
		"two robots for one user by two names of an account": {
			seal + aBox + `aws: { accounts: { x: { role_arn: "arn:aws:iam::111122223333:role/k" }, y: { role_arn: "arn:aws:iam::111122223333:role/l" } } }
robots:
  a: { account: x, user: u, sinks: [box] }
  b: { account: y, user: u, sinks: [box] }
  c: { user: u, sinks: [box] }
`, "k.yaml:8:26: robots.b.user: the same IAM user as robots.a: a user belongs to one robot"},
		"schedules": {
			seal + aBox + "robots:\n  a: { schedule: \"0 3 1 *\", sinks: [box] }\n  b: { schedule: \"TZ=UTC\", sinks: [box] }\n  c: { schedule: \"0 0 30 2 *\", sinks: [box] }\n  d: { schedule: \"\", sinks: [box] }\n  e: { schedule: 3, max_age: 1s, sinks: [box] }\n",
			"k.yaml:6:18: robots.a.schedule: 5 fields are expected (minute, hour, day of month, month, day of week), found 4\n" +
				"k.yaml:7:18: robots.b.schedule: only a time zone is given: five fields must follow it\n" +
				"k.yaml:8:18: robots.c.schedule: never comes due: no such day exists\n" +
				"k.yaml:9:18: robots.d.schedule: empty; five fields, @monthly or @every 720h are expected\n" +
				"k.yaml:10:18: robots.e.schedule: must be text: put it in quotes\n" +
				"k.yaml:10:30: robots.e.max_age: must be at least 1m, or 0 for none"},
		"a descriptor without quotes": {
			seal + aBox + "robots:\n  a:\n    schedule: @monthly\n    sinks: [box]\n",
			"k.yaml:7:15: not valid YAML: text that begins with @ or ` must be in quotes"},
		"what a robot adds to a sink": {
			seal + aBox + "robots:\n  a:\n    sinks:\n      - sink: box\n        with:\n          pth: x\n          slots: x\n          path: \"${robto}/${robot\"\n",
			"k.yaml:10:11: robots.a.sinks[0].with.pth: unknown key, did you mean path\n" +
				"k.yaml:11:18: robots.a.sinks[0].with.slots: must be a whole number\n" +
				"k.yaml:12:17: robots.a.sinks[0].with.path: unknown placeholder; there are ${account}, ${robot}, ${rotation}, ${user}, and $${ stands for a plain ${"},
		"what a kind does not accept, where it is written": {
			seal + `sinks:
  box:
    box:
      address: a
      login: { secret: { env: S } }
      variables: { session_token: "" }
robots:
  a:
    sinks:
      - { sink: box, with: { token: { env: T }, path: "" } }
  b:
    sinks: [box]
  c:
    sinks: [{ sink: box, with: { path: c, login: { id: c }, variables: { session_token: T, access_key_id: T } } }]
`, "k.yaml:6:7: sinks.box.box.login: id: must not be empty\n" +
				"k.yaml:7:7: sinks.box.box.variables: access_key_id, secret_access_key and session_token must not be empty\n" +
				"k.yaml:11:30: robots.a.sinks[0].with.token: exactly one of token and login is needed\n" +
				"k.yaml:11:55: robots.a.sinks[0].with.path: must be the path of a slot\n" +
				"k.yaml:13:13: robots.b.sinks[0]: path: must be the path of a slot\n" +
				"k.yaml:15:61: robots.c.sinks[0].with.variables: access_key_id, secret_access_key and session_token must differ"},
		"a kind that does not say which field": {
			seal + "sinks: { h: { hole: { name: bad } } }\nrobots:\n  a: { sinks: [{ sink: h, min_evidence: accepted }] }\n",
			"k.yaml:4:16: robots.a.sinks[0]: the configuration of kind hole is not valid"},
		"evidence that the kind cannot give": {
			seal + "sinks: { h: { hole: { name: x } } }\nrobots:\n  a: { sinks: [h] }\n  b: { sinks: [{ sink: h, min_evidence: exact, with: { name: b } }] }\n  c: { sinks: [{ sink: h, min_evidence: none }] }\n  d: { sinks: [{ sink: h, min_evidence: [] }] }\n",
			"k.yaml:4:16: robots.a.sinks[0]: kind hole gives no better evidence than accepted; if that is enough for this sink, say so with min_evidence: accepted\n" +
				"k.yaml:5:41: robots.b.sinks[0].min_evidence: kind hole gives no better evidence than accepted; if that is enough for this sink, say so with min_evidence: accepted\n" +
				"k.yaml:6:16: robots.c.sinks[0]: writes to the same place as robots.a.sinks[0]: they would overwrite each other\n" +
				"k.yaml:6:41: robots.c.sinks[0].min_evidence: must be accepted, stamped, partial, exact or canary\n" +
				"k.yaml:7:16: robots.d.sinks[0]: writes to the same place as robots.a.sinks[0]: they would overwrite each other\n" +
				"k.yaml:7:27: robots.d.sinks[0].min_evidence: must be accepted, stamped, partial, exact or canary"},
		"sinks that would overwrite each other": {
			seal + "sinks:\n  one: { box: { address: a, token: { env: T }, path: same } }\n  two: { box: { address: a, token: { env: T } } }\nrobots:\n  a: { sinks: [one, one] }\n  b: { sinks: [{ sink: two, with: { path: same } }] }\n",
			"k.yaml:6:21: robots.a.sinks[1]: writes to the same place as robots.a.sinks[0]: they would overwrite each other\n" +
				"k.yaml:7:16: robots.b.sinks[0]: writes to the same place as robots.a.sinks[0]: they would overwrite each other"},
		"duplicate keys": {
			seal + "aws: { region: us-east-1, region: us-east-1 }\n" + aBox + "robots:\n  a: { sinks: [box] }\n  a: { sinks: [box] }\n",
			"k.yaml:2:27: aws.region: duplicate key, first given on line 2\n" +
				"k.yaml:8:3: robots.a: duplicate key, first given on line 7"},
		"nothing":          {"", "k.yaml:1:1: the document is empty"},
		"only a comment":   {"# nothing\n", "k.yaml:1:1: the document is empty"},
		"only a separator": {"---\n", "k.yaml:1:1: the document is empty"},
		"null":             {"~\n", "k.yaml:1:1: the document is empty"},
		"a list":           {"- a\n", "k.yaml:1:1: must be a map of keys and values"},
		"a text":           {"hunter2\n", "k.yaml:1:1: must be a map of keys and values"},
		"two documents":    {seal + "---\nseal: x\n", "k.yaml:3:1: a second document: there must be only one"},
		"anchors, aliases, merge keys": {"seal: &x { key: { file: k } }\naws: *x\ndefaults:\n  <<: *x\n", "k.yaml:1:7: anchors, aliases and merge keys are not supported; share with defaults: and named sinks, and put text that begins with & or * in quotes\n" +
			"k.yaml:2:6: anchors, aliases and merge keys are not supported; share with defaults: and named sinks, and put text that begins with & or * in quotes\n" +
			"k.yaml:4:3: anchors, aliases and merge keys are not supported; share with defaults: and named sinks, and put text that begins with & or * in quotes\n" +
			"k.yaml:4:7: anchors, aliases and merge keys are not supported; share with defaults: and named sinks, and put text that begins with & or * in quotes"},
		"tags": {"seal: !!map { key: { file: !vault k } }\n", "k.yaml:1:7: tags are not supported; put text that begins with ! in quotes\n" +
			"k.yaml:1:27: tags are not supported; put text that begins with ! in quotes"},
		"a directive":                   {"%YAML 1.2\n---\n" + seal, "k.yaml:1:1: directives are not supported; put text that begins with % in quotes"},
		"a complex key":                 {"? seal\n: x\n", "k.yaml:1:1: keys written with ? are not supported; put text that begins with ? in quotes"},
		"a tab":                         {"seal:\n\tkey: x\n", "k.yaml:2:1: not valid YAML: found character 'tab' that cannot start any token"},
		"an open quote":                 {"seal: \"hunter2\n", "k.yaml:1:7: not valid YAML: could not find end character of double-quoted text"},
		"an open bracket":               {"seal: { key: hunter2\n", "k.yaml:1:7: not valid YAML: could not find flow mapping end token '}'"},
		"a key within a value":          {"seal: hunter2: x\n", "k.yaml:1:7: not valid YAML: mapping value is not allowed in this context"},
		"text after a value":            {"seal: \"hunter2\" hunter3\n", "k.yaml:1:17: not valid YAML: value is not allowed in this context. map key-value is pre-defined"},
		"indentation that fits nothing": {"seal:\n    key: { file: k }\n  kms: { key_id: hunter2 }\n", "k.yaml:3:3: not valid YAML: value is not allowed in this context"},
		"an unknown escape":             {"seal: \"\\q\"\n", "k.yaml:1:9: not valid YAML: found unknown escape character 'q'"},
		"bytes that are no text":        {"seal: \xff\n", "k.yaml: not UTF-8 text"},
		"a very large document":         {seal + "#" + strings.Repeat("x", MaxSize), "k.yaml: larger than 1048576 bytes"},
		"very many words":               {"a: [" + strings.Repeat("x,", maxTokens) + "]", "k.yaml: more than 100000 words and signs"},
		"many brackets":                 {"a: " + strings.Repeat("[", 1000), "k.yaml:1:36: nested deeper than 32 levels"},
		"many dashes":                   {strings.Repeat("- ", 40000) + "x", "k.yaml:1:65: nested deeper than 32 levels"},
		"many levels": {ladder(40), "k.yaml:1:1: a: unknown key; there are aws, journal, seal, defaults, sinks, robots\n" +
			"k.yaml:1:1: seal: missing: what encrypts the journal's secrets, such as { key: { file: /etc/keyturn/seal.key } } (keyturn seal keygen makes one)\n" +
			"k.yaml:34:34: nested deeper than 32 levels"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, err := Load("k.yaml", []byte(tt.doc), specs)
			var es Errors
			if cfg != nil || !errors.As(err, &es) {
				t.Fatalf("got %v, %v", cfg, err)
			}
			if one := (*Error)(nil); !errors.As(err, &one) || one != es[0] {
				t.Errorf("the first error is not found: %v", one)
			}
			if err.Error() != tt.want {
				t.Errorf("\n%s\ngot\n%s\nwant\n%s", tt.doc[:min(len(tt.doc), 1500)], err, tt.want)
			}
		})
	}
}

func ladder(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
