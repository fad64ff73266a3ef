// Package kubernetes writes a pair into one Secret of a Kubernetes cluster.
//
//	sinks:
//	  cluster:
//	    kubernetes:
//	      kubeconfig: /etc/keyturn/kubeconfig   # or in_cluster: true
//	      context: production
//	      namespace: ci
//	      secret: aws-ci-bot
//
// # What a push changes
//
// The keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the data of the one Secret (variables:
// renames them). Everything else stays: other keys, labels, annotations, the type. Both keys change
// in one request, so a reader gets the old pair or the new one. A key AWS_SESSION_TOKEN is removed
// in the same request, because with a stale one the pair does not work. A Secret that already holds
// the pair is not written. One that does not exist is created, if the account may do that.
//
// The write is a server-side apply as field manager keyturn, with force: the two keys are keyturn's
// from then on, and another tool that applies them gets a conflict. With other variables the field
// manager is keyturn/ and the name of the key id, so that several pairs in one Secret do not take
// each other's place. Each write names the resourceVersion that was read: if somebody else wrote in
// between, keyturn reads again.
//
// # Authentication
//
//	kubeconfig: PATH   token, tokenFile or client certificate of its user; context: the current one by default
//	in_cluster: true   the service account of the pod that keyturn runs in
//
// Exactly one of them. The kubeconfig may be YAML or JSON. Tokens and certificates are read again
// when they were renewed: a projected token each time it is refused, a client certificate for each
// connection. Exec plugins, auth providers, passwords, impersonation, proxy-url and
// insecure-skip-tls-verify are refused. Instead of an exec plugin take the token of a service
// account (kubectl create token, renewed by somebody, or a Secret of type
// kubernetes.io/service-account-token). Name the context if the file has several: which one is
// current is not part of what keyturn remembers as the destination.
//
// # Least permissions
//
// A Role in the namespace, for one named Secret that is there already:
//
//	rules:
//	  - apiGroups: [""]
//	    resources: [secrets]
//	    resourceNames: [aws-ci-bot]
//	    verbs: [get, patch]
//
// resourceNames cannot limit create: make the Secret first, empty if need be, rather than allow it.
//
// # Check
//
// The write is made as a dry run (dryRun=All), with a placeholder in place of a pair:
// authentication, RBAC, quota and admission decide as they would, and nothing is stored. Check
// fails if the Secret is immutable. It warns of whoever would write the pair anew: a controller
// that owns the Secret (ExternalSecret, SealedSecret), another field manager that applies the same
// keys.
//
// # Evidence
//
// exact: the Secret is read back from the API server, which reads it from a majority of etcd, and
// compared. Serving tells the key id.
//
// # When readers read
//
// A container that takes the pair as environment variables gets it when it starts: restart it, or
// let grace be longer than its life. A mounted volume follows within about a minute or two. A
// volume mounted by subPath never follows. Tools that watch the Secret see it at once. keyturn
// restarts nothing.
//
// # Limits
//
// An immutable Secret cannot be changed by anybody, only be replaced by a new one: keyturn refuses
// it. A Secret is at most 1 MiB. Names of keys have letters, digits, dots, - and _. Variables that
// are renamed in the configuration leave the old keys behind.
//
// Verified against: kube-apiserver 1.36.1 with etcd 3.6 and RBAC for one named Secret (the whole
// conformance suite), and a model of it in the unit tests. in_cluster: the model's server, and
// files in the place of a pod's.
package kubernetes
