package app

import (
	"context"
	"fmt"

	"keyturn/config"
	"keyturn/internal/awsauth"
	"keyturn/internal/secret"
	"keyturn/rotator"
	"keyturn/rotator/seal"
)

// openSeal makes the sealer of the configuration. It contacts nobody.
func openSeal(ctx context.Context, c config.Seal, accounts *awsauth.Accounts) (rotator.Sealer, error) {
	if c.KMS != nil {
		return kmsSealer(ctx, *c.KMS, accounts)
	}
	return keySealer(ctx, c.Key)
}

func keySealer(ctx context.Context, ref secret.Ref) (rotator.Sealer, error) {
	file, err := ref.Resolve(ctx)
	if err != nil {
		return nil, fmt.Errorf("seal key: %w; keyturn seal keygen makes one", err)
	}
	defer file.Wipe()
	return seal.NewAESGCM(file)
}

func kmsSealer(ctx context.Context, c config.KMS, accounts *awsauth.Accounts) (rotator.Sealer, error) {
	cfg, err := accounts.Config(ctx, awsauth.Session{Account: c.Account, Region: c.Region})
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return seal.NewKMS(seal.KMSClient(cfg), c.KeyID), nil
}

// Keygen writes a fresh seal key to file, which must not exist, and returns its fingerprint.
func Keygen(file string) (fingerprint string, err error) { return seal.Keygen(file) }

// OldSeal is what sealed the journal before. One field is set.
type OldSeal struct {
	File  string // a key file
	KMSID string // a KMS key, in the default account and region
}

// Reseal seals what is pending anew with what the configuration names, and says how many secrets that were. What is sealed
// with it already is left, so that it can be run again.
func (a *App) Reseal(ctx context.Context, old OldSeal) (int, error) {
	var from rotator.Sealer
	var err error
	if old.KMSID != "" {
		from, err = kmsSealer(ctx, config.KMS{KeyID: old.KMSID}, a.accounts)
	} else {
		from, err = keySealer(ctx, secret.Ref{File: old.File})
	}
	if err != nil {
		return 0, asUsage(err)
	}
	return seal.Reseal(ctx, a.rotator.Journal, from, a.rotator.Sealer, func(id rotator.ID) (rotator.Binding, error) {
		return a.binding(ctx, id)
	})
}

// binding finds in the logs what a rotation's secret was sealed for: the last key that was issued in it.
func (a *App) binding(ctx context.Context, id rotator.ID) (rotator.Binding, error) {
	users, err := a.rotator.Journal.Users(ctx)
	if err != nil {
		return rotator.Binding{}, err
	}
	for _, u := range users {
		l, err := a.rotator.Journal.Events(ctx, u.Stream())
		if err != nil {
			return rotator.Binding{}, err
		}
		var key rotator.KeyID
		for _, e := range l.Events {
			if b, ok := e.Body.(rotator.Issued); ok && e.Rotation == id {
				key = b.Key.ID
			}
		}
		if key != "" {
			return rotator.Binding{Account: u.Account, User: u.User, Rotation: id, Key: key}, nil
		}
	}
	return rotator.Binding{}, fmt.Errorf("rotation %s: no user's log names it", id)
}
