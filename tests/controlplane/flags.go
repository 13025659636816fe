package main

// Flags of the components: everything on loopback, no limits that would be felt before the machine's.

import "fmt"

func etcdFlags(client, peer string) []string {
	return []string{
		"--data-dir", "etcd", "--name", "controlplane", "--log-level", "error", "--unsafe-no-fsync",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "controlplane=" + peer,
		"--quota-backend-bytes", "4294967296",
	}
}

func apiserverFlags(etcd string, port int) []string {
	return []string{
		"--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1",
		"--secure-port", fmt.Sprint(port), "--tls-cert-file", "server.crt", "--tls-private-key-file", "server.key",
		"--client-ca-file", "ca.crt", "--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", "accounts.key", "--service-account-signing-key-file", "accounts.key",
		"--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.0.0.0/16", "--allow-privileged",
		"--endpoint-reconciler-type", "none", "--profiling=false",
	}
}

func managerFlags(port int) []string {
	flags := []string{
		"--kubeconfig", "controller-manager.kubeconfig", "--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(port),
		"--leader-elect=false", "--use-service-account-credentials", "--service-account-private-key-file", "accounts.key",
		"--root-ca-file", "ca.crt", "--allocate-node-cidrs=false", "--profiling=false",
		"--kube-api-qps", "2000", "--kube-api-burst", "4000",
		"--horizontal-pod-autoscaler-sync-period", "2s", "--pvclaimbinder-sync-period", "2s",
		// Heartbeats of fake nodes are rare on purpose; a busy machine must not evict their pods.
		"--node-monitor-grace-period", "5m",
	}
	for _, kind := range []string{"deployment", "replicaset", "statefulset", "service-endpoint", "job", "namespace", "gc", "serviceaccount-token"} {
		flags = append(flags, fmt.Sprintf("--concurrent-%s-syncs", kind), "20")
	}
	return flags
}

func schedulerFlags(port int) []string {
	return []string{
		"--kubeconfig", "scheduler.kubeconfig", "--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(port),
		"--leader-elect=false", "--kube-api-qps", "2000", "--kube-api-burst", "4000", "--profiling=false",
	}
}

func kwokFlags(port int) []string {
	return []string{
		"--kubeconfig", "kwok.kubeconfig", "--config", "stages.yaml", "--manage-all-nodes",
		"--server-address", fmt.Sprintf("127.0.0.1:%d", port), "--node-lease-duration-seconds", "0",
	}
}
