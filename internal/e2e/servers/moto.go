package servers

import "path/filepath"

// MotoFreeCalls is how many calls moto answers before it asks who is calling: CreateUser, PutUserPolicy and
// CreateAccessKey of an administrator.
const MotoFreeCalls = "3"

// Moto is an emulator of AWS that checks signatures and the actions of policies. It takes no Resource other
// than "*".
type Moto struct{ *Process }

// StartMoto starts the moto of files, a folder that Find found. Its log goes to dir.
func StartMoto(files, dir string) (*Moto, error) {
	env := []string{
		"PYTHONPATH=" + filepath.Join(files, "usr/lib/python3/dist-packages"),
		"PYTHONDONTWRITEBYTECODE=1",
		"INITIAL_NO_AUTH_ACTION_COUNT=" + MotoFreeCalls,
	}
	p, err := start("moto", dir, "/moto-api/", env, func(port string) []string {
		return []string{"/usr/bin/python3", "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", port}
	})
	if err != nil {
		return nil, err
	}
	return &Moto{Process: p}, nil
}
