package config

import (
	"reflect"
	"slices"
)

// later is the type of a key that is planned. It is refused, never ignored.
type later struct{}

var laterType = reflect.TypeFor[later]()

const notYet = "not in this version"

// laterKinds are kinds of sink that are planned. A kind leaves this list when it is built.
var laterKinds = []string{
	"1password-connect", "azure-keyvault", "doppler", "gcp-secretmanager",
	"infisical", "octopus",
	"teamcity",
}

func isLater(kind string) bool { return slices.Contains(laterKinds, kind) }
