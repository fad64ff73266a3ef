# One command for each thing a developer does. `make test` needs Go and nothing else.
.DEFAULT_GOAL := build
.PHONY: build test race lint docs fuzz fuzz-world mutants bench demo e2e e2e-servers

build: ## the binary, in bin/
	go build -trimpath -ldflags '-s -w' -o bin/keyturn ./cmd/keyturn

test: ## everything that needs no server and no network
	go test ./...

race: ## the same under the race detector (needs a C compiler)
	go test -race ./...

lint: ## formatting, vet, golangci-lint, scripts, generated documentation
	sh internal/tools/lint.sh

docs: ## writes the generated pages of docs/
	go run ./internal/docgen

fuzz: ## each fuzz target for FUZZTIME
	sh internal/tools/fuzz.sh

fuzz-world: ## pairs of faults and random worlds, for as long as DURATION says (docs/safety.md)
	KEYTURN_WORLD=$(or $(DURATION),10m) go test -v -count 1 -timeout 0 -run 'TestPairsOfFaults|TestRandomWorlds' ./rotator

mutants: ## plants known mistakes in a copy of the rotator, and shows that the tests catch each; some ten minutes (docs/safety.md)
	nice go run ./internal/mutants -only "$(ONLY)"

bench: ## how fast rotations are, and how many calls they make
	go run ./internal/bench

demo: ## the whole story in ten seconds, nothing needed
	go run ./cmd/keyturn demo

e2e-servers: ## gets the real servers into the cache: Vault takes six minutes the first time, Gitea four
	sh internal/e2e/servers/moto/install.sh
	sh internal/e2e/servers/vault/install.sh
	sh internal/e2e/servers/gitea/install.sh
	sh internal/e2e/servers/runner/install.sh
	sh internal/e2e/servers/drone/install.sh
	sh internal/e2e/servers/kube/install.sh

e2e: e2e-servers ## the built binary against real servers
	go test -v -tags e2e -count 1 -parallel 8 -timeout 20m ./internal/e2e
	KEYTURN_VAULT_BIN="$$(sh internal/e2e/servers/vault/where.sh)/vault" go test -tags e2e -count 1 ./sinks/vault ./sinks/vaultawsroot ./sinks/exec
	KEYTURN_GITEA="$$(sh internal/e2e/servers/gitea/where.sh)" KEYTURN_GITEA_RUNNER="$$(sh internal/e2e/servers/runner/where.sh)" \
		KEYTURN_DRONE="$$(sh internal/e2e/servers/drone/where.sh)" KEYTURN_MOTO="$$(sh internal/e2e/servers/moto/where.sh)" \
		go test -tags e2e -count 1 ./sinks/gitea ./sinks/drone
	KEYTURN_KUBE_BIN="$$(sh internal/e2e/servers/kube/where.sh)" go test -tags e2e -count 1 ./sinks/kubernetes
