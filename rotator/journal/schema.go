package journal

// schemaVersion is the version of the tables. It is raised when an older keyturn could misread them.
const schemaVersion = 1

// applicationID marks the file as a journal: "ktur".
const applicationID = 0x6b747572

// schema makes the tables. A sealed secret lies behind a pad of a whole page, so that it is stored in
// overflow pages of its own: SQLite moves the cells of a B-tree when it balances, and leaves
// copies of them behind that secure_delete does not know of; overflow pages stay where they are and
// are zeroed when they are freed.
const schema = `
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
	stream TEXT    NOT NULL,
	seq    INTEGER NOT NULL, -- from 1
	id     TEXT    NOT NULL UNIQUE,
	event  TEXT    NOT NULL, -- JSON, see rotator.Event
	sum    BLOB    NOT NULL, -- checksum of stream, seq and event
	PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE sealed (
	rotation TEXT PRIMARY KEY,
	pad      BLOB NOT NULL,
	blob     BLOB NOT NULL
) STRICT;
`

// pageSize is SQLite's default. The pad depends on it.
const pageSize = 4096

const (
	// SQLite opens a file that cannot be written all the same, and only a write tells.
	sqlProbe      = `BEGIN IMMEDIATE; UPDATE meta SET value = value WHERE key = 'id'; ROLLBACK`
	sqlInsertMeta = `INSERT INTO meta (key, value) VALUES (?, ?)`
	sqlMeta       = `SELECT value FROM meta WHERE key = ?`
	sqlLength     = `SELECT coalesce(max(seq), 0) FROM events WHERE stream = ?`
	sqlInsert     = `INSERT INTO events (stream, seq, id, event, sum) VALUES (?, ?, ?, ?, ?)`
	sqlEvents     = `SELECT seq, event, sum FROM events WHERE stream = ? ORDER BY seq`
	// Hops from stream to stream along the primary key instead of reading every event.
	sqlUsers = `WITH RECURSIVE s(name) AS (
		SELECT min(stream) FROM events WHERE stream >= 'user/' AND stream < 'user0'
		UNION ALL
		SELECT (SELECT min(stream) FROM events WHERE stream > name AND stream < 'user0') FROM s WHERE name IS NOT NULL
	) SELECT name FROM s WHERE name IS NOT NULL`
	sqlSealed  = `SELECT blob FROM sealed WHERE rotation = ?`
	sqlPending = `SELECT rotation FROM sealed ORDER BY rotation`
	sqlSeal    = `INSERT INTO sealed (rotation, pad, blob) VALUES (?, zeroblob(4096), ?)
		ON CONFLICT (rotation) DO UPDATE SET blob = excluded.blob`
	sqlReseal = `UPDATE sealed SET blob = ? WHERE rotation = ? AND blob = ?`
	sqlForget = `DELETE FROM sealed WHERE rotation = ?`
)
