package app

import (
	"context"

	"keyturn/rotator/journal"
)

// Backup writes a consistent copy of the journal to file, which must not exist, while others go on writing.
func (a *App) Backup(ctx context.Context, file string) error {
	j, ok := a.rotator.Journal.(*journal.SQLite)
	if !ok {
		return errNoJournal
	}
	return j.Backup(ctx, file)
}
