package vaultapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"keyturn/sinks"
)

// answer is what Vault says of a failure: errors, or what it knows of a deleted version.
type answer struct {
	Errors []string        `json:"errors"`
	Data   json.RawMessage `json:"data"`
}

// errNothing is a 404 of a path that Vault knows: nothing is stored there, or it is deleted.
var errNothing = errors.New("nothing is stored there")

// IsNothing says whether err is such an answer.
func IsNothing(err error) bool { return errors.Is(err, errNothing) }

// meaning gives a failed answer a better class and text than its status has. What Vault
// says is looked for known phrases and never repeated.
func meaning(status int, a answer) (sinks.Class, error) {
	has := func(phrase string) bool { return strings.Contains(strings.Join(a.Errors, "\n"), phrase) }
	switch {
	case status == http.StatusBadRequest && has("check-and-set parameter did not match"):
		return sinks.Conflict, errors.New("somebody else wrote at the same time")
	case status == http.StatusBadRequest && has("Upgrading from non-versioned to versioned"):
		return sinks.Temporary, errors.New("the store is being upgraded to version 2")
	case status == http.StatusNotFound && has("no handler for route"):
		return sinks.Missing, errors.New("nothing is mounted there")
	case status == http.StatusNotFound && len(a.Errors) == 0 && (a.Errors != nil || a.Data != nil):
		return sinks.Missing, errNothing
	case status == http.StatusServiceUnavailable && has("Vault is sealed"):
		return sinks.Temporary, errors.New("the Vault is sealed")
	case status == http.StatusForbidden:
		return sinks.Denied, errors.New("the token is not valid, or its policies do not allow it")
	}
	return sinks.Unclassified, nil
}
