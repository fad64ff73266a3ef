package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Backup writes a consistent copy of the journal to file, mode 0600, while others go on writing. The copy holds
// what is needed to go on from it, secrets sealed as they are, and is on disk when Backup returns. A file that is there is never
// overwritten.
func (s *SQLite) Backup(ctx context.Context, file string) error {
	path, err := resolve(file)
	if err != nil {
		return fmt.Errorf("journal backup %s: %w", file, err)
	}
	err = publish(path, func(tmp string) error {
		return s.look(ctx, func() error {
			_, err := s.read.ExecContext(ctx, "VACUUM INTO ?", tmp)
			return err
		})
	})
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("journal backup %s: there is a file already, choose another name", file)
	}
	if err != nil {
		return fmt.Errorf("journal backup %s: %w", file, explain(err))
	}
	return nil
}
