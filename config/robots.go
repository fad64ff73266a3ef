package config

import (
	"strings"

	"keyturn/rotator/schedule"
)

// robotEntry is a robot as the document writes it.
type robotEntry struct {
	User     string `yaml:"user" doc:"the IAM user; default: the robot's name"`
	Account  string `yaml:"account" doc:"its account, a name under aws.accounts"`
	Schedule string `yaml:"schedule" doc:"when to rotate: five cron fields, @monthly, @every 30d; UTC unless CRON_TZ=Europe/Berlin stands in front"`
	Settings `yaml:",inline"`
	Verify   verifyEntry `yaml:"verify"`
	Sinks    []sinkEntry `yaml:"sinks" doc:"where the key goes; each is the name of a sink, or a map"`

	Window    later `yaml:"window"`
	Blackouts later `yaml:"blackouts"`
}

type verifyEntry struct {
	AssumeRole string `yaml:"assume_role" doc:"ARN of a role that a new key must be able to assume"`
}

// readRobots reads every robot, and compares each with those before it.
func (l *loader) readRobots() []Robot {
	p := path{"robots"}
	if l.doc.Robots.node == nil || !l.expect(l.doc.Robots.node, p, mapping) {
		return nil
	}
	var robots []Robot
	users, places := map[string]string{}, map[string]path{}
	for _, e := range l.doc.Robots.entries {
		robot := l.robot(p.add(e.name), e)
		l.checkUser(p.add(e.name), robot, users)
		l.checkPlaces(p.add(e.name), robot, places)
		robots = append(robots, robot)
	}
	return robots
}

func (l *loader) robot(p path, e entry) Robot {
	written := robotEntry{User: e.name, Settings: l.doc.Defaults}
	readable := l.read(e.value, p, &written)
	if !userName.MatchString(e.name) || strings.Trim(e.name, ".") == "" {
		l.fail(e.value.key, p, "not the name of a robot: 1 to 64 letters, digits and + = , . @ _ -")
	}
	if written.User != e.name && !userName.MatchString(written.User) {
		l.failAt(p.add("user"), notUserName)
	}
	if role := written.Verify.AssumeRole; role != "" && !roleARN.MatchString(role) {
		l.failAt(p.add("verify", "assume_role"), notRoleARN)
	}
	l.checkSettings(p, written.Settings)
	r := Robot{
		Name: e.name, User: written.User, Account: l.account(p.add("account"), written.Account),
		Settings: written.Settings, AssumeRole: written.Verify.AssumeRole,
		Plan: schedule.Plan{Cron: l.schedule(p.add("schedule"), written.Schedule), MaxAge: written.MaxAge},
	}
	r.Sinks = l.bindAll(p.add("sinks"), r, written.Sinks)
	if readable && !requires(written.Sinks) {
		l.fail(e.value.key, p, "has no required sink: the new key would be served nowhere")
	}
	return r
}

func requires(entries []sinkEntry) bool {
	for _, e := range entries {
		if e.Required {
			return true
		}
	}
	return false
}

func (l *loader) schedule(p path, expr string) schedule.Schedule {
	if !l.has(p...) {
		return schedule.Schedule{}
	}
	s, err := schedule.Parse(expr)
	if err != nil {
		l.failAt(p, "%s", err)
	}
	return s
}

// checkSettings looks at what p sets itself; the rest was looked at where it is set.
func (l *loader) checkSettings(p path, s Settings) {
	if q := p.add("max_age"); l.has(q...) && s.MaxAge > 0 && s.MaxAge < schedule.MinEvery {
		l.failAt(q, "must be at least %s, or 0 for none", schedule.FormatDuration(schedule.MinEvery))
	}
}

// checkUser finds robots that would rotate one user's keys. Two names for one account number are one account.
func (l *loader) checkUser(p path, r Robot, users map[string]string) {
	account := r.Account
	if number := l.doc.AWS.Accounts[account].Number(); number != "" {
		account = number
	}
	id := account + "/" + strings.ToLower(r.User)
	if first, taken := users[id]; taken {
		if l.has(p.add("user")...) {
			p = p.add("user")
		}
		l.failAt(p, "the same IAM user as robots.%s: a user belongs to one robot", shown(first))
		return
	}
	users[id] = r.Name
}

// checkPlaces finds sinks, of one robot or of two, that would overwrite each other.
func (l *loader) checkPlaces(p path, r Robot, places map[string]path) {
	for i, s := range r.Sinks {
		if s.Destination == "" {
			continue
		}
		at := p.add("sinks").item(i)
		if first, taken := places[s.Destination]; taken {
			l.failAt(at, "writes to the same place as %s: they would overwrite each other", first)
			continue
		}
		places[s.Destination] = at
	}
}
