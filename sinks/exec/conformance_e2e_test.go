//go:build e2e

package exec

import "testing"

func TestThePythonExamplePassesTheConformanceTest(t *testing.T) {
	passes(t, "python3", "../../deploy/examples/sink_file.py")
}
