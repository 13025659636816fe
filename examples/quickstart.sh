#!/usr/bin/env bash
# Shows kubemate at work on a disposable Kubernetes of its own: from a Git repository to a healthy
# platform, then a change, drift, a mistake, a plan between two commits, and at last a controller that does
# all of it from a push. Takes a minute and a half once built.
# Usage: examples/quickstart.sh                       clean up at the end, whatever happens
#        QUICKSTART_KEEP=1 examples/quickstart.sh     keep the cluster and say how to use it
# Needs Rust, Go and git. It stops only what it started, and touches no other cluster.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/kubemate-quickstart.XXXXXX")
kubemate="${CARGO_TARGET_DIR:-$root/target}/debug/kubemate"
plane_binary="$root/target/controlplane/controlplane"
plane=
others=() # more processes, to be stopped first
keep=

bold= dim= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi

clean_up() {
    local code=$?
    trap - EXIT
    [ -n "$keep" ] && exit "$code"
    local process
    for process in ${others[@]+"${others[@]}"} $plane; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    local log
    for log in controlplane controller; do
        if [ "$code" -ne 0 ] && [ -s "$work/$log.log" ]; then
            printf '\nThe last words of the %s:\n' "$log" >&2
            tail -n 5 "$work/$log.log" >&2
        fi
    done
    rm -rf "$work"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
tell() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }

# Shows a command as a reader would type it, then runs it.
run() {
    printf '%s$ %s%s\n' "$bold" "${*##*/debug/}" "$plain"
    "$@"
}

# Runs a command and shows the first lines of what it prints; says how much was cut.
run_head() {
    local most=$1 code=0
    shift
    printf '%s$ %s%s\n' "$bold" "${*##*/debug/}" "$plain"
    "$@" >"$work/out" 2>&1 || code=$?
    head -n "$most" "$work/out"
    local lines
    lines=$(wc -l <"$work/out")
    if [ "$lines" -gt "$most" ]; then tell "   … and $((lines - most)) more lines"; fi
    return "$code"
}

# The same with the last lines.
run_tail() {
    local most=$1 code=0
    shift
    printf '%s$ %s%s\n' "$bold" "${*##*/debug/}" "$plain"
    "$@" >"$work/out" 2>&1 || code=$?
    local lines
    lines=$(wc -l <"$work/out")
    if [ "$lines" -gt "$most" ]; then tell "   … $((lines - most)) lines before, one for each object"; fi
    tail -n "$most" "$work/out"
    return "$code"
}

# Runs a command that must fail with this exit code.
run_failing() {
    local expected=$1 code=0
    shift
    run "$@" || code=$?
    if [ "$code" -ne "$expected" ]; then
        echo "this was expected to end with exit code $expected, not $code" >&2
        exit 1
    fi
    tell "exit code $code"
}

kubectl() { "$plane_binary" kubectl "$@"; }

replace() { # file, old, new
    grep -qF -- "$2" "$1" || { echo "$1 does not hold: $2" >&2; exit 1; }
    sed "s|$2|$3|" "$1" >"$work/edited" && cat "$work/edited" >"$1"
}

# Waits until a command succeeds, and says how long that took.
wait_for() { # what, command
    local what=$1 begun=$SECONDS
    shift
    while ! "$@" >/dev/null 2>&1; do
        if [ $((SECONDS - begun)) -gt 120 ]; then echo "never: $what" >&2; exit 1; fi
        sleep 0.2
    done
    tell "$what, after $((SECONDS - begun)) s"
}

commit() {
    git add -A
    git -c user.name=quickstart -c user.email=quickstart@bank.example commit -q -m "$1"
    tell "committed: $1"
}

for tool in cargo go git; do
    command -v "$tool" >/dev/null || { echo "quickstart needs $tool; install it and start again" >&2; exit 1; }
done

heading "Build kubemate, and a Kubernetes to try it on"
tell "minutes the first time, seconds later"
(cd "$root" && cargo build --quiet)
mkdir -p "${plane_binary%/*}"
(cd "$root/tests/controlplane" && go build -trimpath -buildvcs=false -ldflags="$(cat ldflags)" -o "$plane_binary" .)

# The control plane lives as long as someone holds the pipe on its standard input, so it ends with this
# script even where no trap runs.
mkfifo "$work/hold"
exec 9<>"$work/hold"
operators=gateway-api,traefik,cert-manager,external-secrets,keda,flagger
"$plane_binary" up --dir "$work/cluster" --nodes 4 --crds "$operators" <"$work/hold" 9>&- >"$work/controlplane.json" 2>"$work/controlplane.log" &
plane=$!
for _ in $(seq 1 900); do
    [ -s "$work/controlplane.json" ] && break
    kill -0 "$plane" 2>/dev/null || { echo "the control plane ended" >&2; exit 1; }
    sleep 0.2
done
[ -s "$work/controlplane.json" ] || { echo "the control plane was not ready in 180 s" >&2; exit 1; }
export KUBECONFIG="$work/cluster/kubeconfig"
kubectl get nodes --no-headers -o custom-columns=NODE:.metadata.name,VERSION:.status.nodeInfo.kubeletVersion

kubectl apply --server-side -f "$root/examples/cluster.yaml"

heading "A platform in Git: two environments, seven tenants"
cp -R "$root/examples/bank" "$work/bank"
cd "$work/bank"
git init -q -b main
uid=$(kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}')
replace kubemate.kdl 00000000-0000-4000-8000-000000000000 "$uid"
commit "The bank's platform, bound to this cluster"
tell "the project names its cluster by UID, so it can never be applied to another one"
tell "tenants/payments/checkout.kdl:"
sed 's/^/    /' tenants/payments/checkout.kdl

heading "Is it valid?"
run "$kubemate" validate

heading "What would happen?"
run_head 14 "$kubemate" plan --env dev

heading "Make it so, and wait until it is healthy"
run_tail 8 "$kubemate" apply --env dev
run kubectl get deployments,statefulsets,cronjobs,httproutes,certificates,externalsecrets --all-namespaces
run "$kubemate" status --env dev
tell "planned again, nothing is left to do:"
run "$kubemate" plan --env dev

heading "Change one line"
replace tenants/payments/checkout.kdl 'version "2.15.0-rc1"' 'version "2.15.0"'
commit "checkout: 2.15.0 in dev"
run "$kubemate" plan --env dev
run_tail 8 "$kubemate" apply --env dev
image=$(kubectl get deployment checkout -n payments-core-dev -o 'jsonpath={.spec.template.spec.containers[0].image}')
tell "checkout runs $image"
[ "$image" = registry.bank.example/payments/checkout:2.15.0 ]

heading "Someone changes the cluster by hand"
run kubectl scale deployment web-api -n web-dev --replicas=5
tell "found: the field, and the line in Git that says otherwise"
run "$kubemate" diff --env dev
tell "undone by the next apply"
run_tail 3 "$kubemate" apply --env dev
replicas=$(kubectl get deployment web-api -n web-dev -o 'jsonpath={.spec.replicas}')
tell "web-api has $replicas replicas again"
[ "$replicas" = 2 ]

heading "A mistake is explained where it was made"
replace tenants/web/service.kdl 'replicas=2' 'replcias=2'
run_failing 3 "$kubemate" validate
git checkout -q -- tenants/web/service.kdl

heading "What does a commit mean, without asking any cluster?"
replace tenants/ledger/ledger.kdl 'replicas=2' 'replicas=3'
commit "ledger: three replicas"
before=$(git rev-parse --short=12 HEAD~1)
run_head 40 env -u KUBECONFIG "$kubemate" plan --offline --base "$before"

heading "And now nobody types apply: a controller follows Git"
git init -q --bare -b main "$work/served/platform.git"
git remote add origin "$work/served/platform.git"
git push -q origin main
"$plane_binary" git "$work/served" <"$work/hold" 9>&- >"$work/host" &
others+=($!)
wait_for "the Git host is up" test -s "$work/host"
"$kubemate" install --crd | kubectl apply --server-side -f - >/dev/null
"$kubemate" controller --allow "$(cat "$work/host")/*" --mirrors "$work/mirrors" --listen 127.0.0.1:0 \
    </dev/null 9>&- >/dev/null 2>"$work/controller.log" &
others=($! "${others[@]}")
cat >"$work/sync.yaml" <<END
apiVersion: kubemate.dev/v1alpha1
kind: Sync
metadata: {name: dev, namespace: kubemate-system}
spec:
  repository: $(cat "$work/host")/platform.git
  environment: dev
  cluster: hq
  interval: 1s
  mode: auto
END
run kubectl apply -f "$work/sync.yaml"
ready='{.status.conditions[?(@.type=="Ready")].status}'
sync_says() {
    [ "$(kubectl get sync dev -n kubemate-system -o "jsonpath=$1")" = "$2" ]
}
applied() {
    sync_says "{.status.lastApplied} $ready" "$(git rev-parse HEAD) True"
}
wait_for "the last commit is applied" applied
replace tenants/payments/checkout.kdl 'version "2.15.0"' 'version "2.15.1"'
commit "checkout: 2.15.1 in dev"
run git push -q origin main
runs() {
    [ "$(kubectl get deployment "$1" -n "$2" -o "jsonpath={$3}")" = "$4" ]
}
wait_for "checkout runs 2.15.1" runs checkout payments-core-dev .spec.template.spec.containers[0].image \
    registry.bank.example/payments/checkout:2.15.1
run kubectl scale deployment web-api -n web-dev --replicas=5
wait_for "web-api has 2 replicas again" runs web-api web-dev .spec.replicas 2
tell "a commit with a mistake changes nothing and says where it is:"
replace tenants/web/service.kdl 'replicas=2' 'replcias=2'
commit "web: a mistake"
git push -q origin main
wait_for "the mistake is told" sync_says "$ready" False
run_failing 6 "$kubemate" why sync/dev
git -c user.name=quickstart -c user.email=quickstart@bank.example revert --no-edit HEAD >/dev/null
git push -q origin main
wait_for "all is well again" applied
run kubectl get syncs -n kubemate-system

heading "That was kubemate"
tell "design and every kind: docs/ · the example: examples/bank"
if [ -n "${QUICKSTART_KEEP:-}" ]; then
    keep=1
    sleep 2147483 >/dev/null 2>&1 & # holds the pipe
    holder=$!
    cat <<END
The cluster is kept. To use it:
    export KUBECONFIG=$KUBECONFIG
    cd $work/bank && $kubemate plan
    $plane_binary kubectl get pods --all-namespaces
To stop it:
    kill ${others[*]} $plane $holder; rm -rf $work
END
fi
