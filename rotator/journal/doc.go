// Package journal keeps the durable record of rotations, a rotator.Journal, in one SQLite file.
//
//	j, err := journal.Open(ctx, "/var/lib/keyturn/journal.db")
//	defer j.Close()
//
// A daemon and commands share the file: every process opens it for itself. What only reads
// (status, plan, history) uses [OpenReadOnly], which makes no file and takes no owner's lock.
//
// Beside journal.db lie, all with mode 0600,
//
//	journal.db-wal, journal.db-shm   SQLite's write-ahead log and its index
//	journal.db.owners/ID             one locked file for each process that has the journal open
//
// # The file
//
// An SQLite database (application id 0x6b747572, "ktur"; user_version is the version of the schema)
// in WAL mode with synchronous=FULL: what is committed has been fsynced. Tables:
//
//	meta    id of the journal, version of the schema
//	events  one row for each event: stream, number, id, the event's JSON, a checksum
//	sealed  the sealed secret of each rotation that is under way
//
// Events are only ever inserted. A sealed secret is erased when its rotation is done: SQLite
// overwrites the deleted bytes (secure_delete), and the write-ahead log is truncated.
//
// A file that is damaged, newer than this keyturn, or not a journal at all is refused and left as it
// is. An empty file is refused too: it is more often what a full disk left of a journal than a wish for a
// new one. The file must lie on a local file system, as SQLite's WAL mode demands ("Write-Ahead Logging"
// in SQLite's documentation).
//
// Code in a process that has a journal open must not open its files by other means: closing them would
// drop the locks that SQLite holds ("How To Corrupt An SQLite Database File", 2.2, there).
package journal
