#!/bin/sh
# Starts a disposable Kubernetes on this machine and keeps it until Ctrl-C. Needs Go 1.26, nothing else.
# Usage: examples/controlplane.sh [flags of `controlplane up`]
# Example: examples/controlplane.sh --crds gateway-api,cert-manager,external-secrets
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
bin="$root/target/controlplane/controlplane"
mkdir -p "$root/target/controlplane"
echo "building the control plane (minutes at first, seconds later)" >&2
(cd "$root/tests/controlplane" && go build -trimpath -buildvcs=false -ldflags="$(cat ldflags)" -o "$bin" .)
exec "$bin" up -v "$@"
