package main

// The metrics API, as metrics-server would serve it: every running pod of the cluster uses half of
// what it requests. The autoscalers of Kubernetes read it through the API server, like anybody else.

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	metricsFamily  = "metrics"
	metricsGroup   = "metrics.k8s.io"
	metricsVersion = metricsGroup + "/v1beta1"
	metricsPath    = "/apis/" + metricsVersion
	// An autoscaler believes no metric that began before the pod was ready.
	metricsWindow = "1s"
)

var apiServiceResource = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// metricsAPI answers the requests that the API server hands on.
type metricsAPI struct{ world *world }

// serveMetrics starts the metrics API on loopback and registers it; it ends with the context.
func serveMetrics(ctx context.Context, w *world, dir string) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	if err != nil {
		return fmt.Errorf("read the server certificate: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the metrics API: %w", err)
	}
	server := &http.Server{Handler: metricsAPI{w}, ReadHeaderTimeout: 10 * time.Second}
	secure := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	go func() { _ = server.Serve(secure) }()
	go func() { <-ctx.Done(); _ = server.Close() }()
	return registerMetrics(ctx, w.clients, int32(listener.Addr().(*net.TCPAddr).Port))
}

// registerMetrics tells the API server where the metrics API is. A Service of this type is the one
// way to name a port on loopback.
func registerMetrics(ctx context.Context, c clients, port int32) error {
	service := &core.Service{
		ObjectMeta: meta.ObjectMeta{Name: "metrics-server", Namespace: "kube-system"},
		Spec:       core.ServiceSpec{Type: core.ServiceTypeExternalName, ExternalName: "localhost", Ports: []core.ServicePort{{Port: port}}},
	}
	if _, err := c.typed.CoreV1().Services("kube-system").Create(ctx, service, meta.CreateOptions{}); err != nil {
		return fmt.Errorf("create the Service of the metrics API: %w", err)
	}
	api := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": "v1beta1." + metricsGroup},
		"spec": map[string]any{
			"group": metricsGroup, "version": "v1beta1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"insecureSkipTLSVerify": true,
			"service":               map[string]any{"name": "metrics-server", "namespace": "kube-system", "port": int64(port)},
		},
	}}
	if _, err := c.dynamic.Resource(apiServiceResource).Create(ctx, api, meta.CreateOptions{}); err != nil {
		return fmt.Errorf("register the metrics API: %w", err)
	}
	return nil
}

// metricsReady says whether the API server reaches the metrics API.
func metricsReady(ctx context.Context, c clients) error {
	api, err := c.dynamic.Resource(apiServiceResource).Get(ctx, "v1beta1."+metricsGroup, meta.GetOptions{})
	if err != nil {
		return err
	}
	for _, one := range list(api.Object, "status", "conditions") {
		if text(one, "type") == "Available" && text(one, "status") != "True" {
			return fmt.Errorf("the metrics API is not available: %s", text(one, "message"))
		}
	}
	if conditionOf(api, "Available") != "True" {
		return fmt.Errorf("nobody has looked at the metrics API yet")
	}
	return nil
}

func (m metricsAPI) ServeHTTP(out http.ResponseWriter, request *http.Request) {
	path := strings.TrimSuffix(request.URL.Path, "/")
	parts := strings.Split(strings.TrimPrefix(path, metricsPath+"/"), "/")
	var answer any
	var err error
	switch {
	case path == metricsPath:
		answer = metricsKinds()
	case !strings.HasPrefix(path, metricsPath+"/"):
	case parts[0] == "nodes":
		answer, err = m.nodes(request.Context())
	case parts[0] == "pods":
		answer, err = m.pods(request.Context(), "", request.URL.Query().Get("labelSelector"))
	case len(parts) >= 3 && parts[0] == "namespaces" && parts[2] == "pods":
		answer, err = m.pods(request.Context(), parts[1], request.URL.Query().Get("labelSelector"))
	}
	switch {
	case err != nil:
		http.Error(out, err.Error(), http.StatusInternalServerError)
	case answer == nil:
		http.NotFound(out, request)
	default:
		out.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(out).Encode(answer)
	}
}

func metricsKinds() meta.APIResourceList {
	return meta.APIResourceList{
		TypeMeta:     meta.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: metricsVersion,
		APIResources: []meta.APIResource{
			{Name: "nodes", Kind: "NodeMetrics", Verbs: meta.Verbs{"get", "list"}},
			{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: meta.Verbs{"get", "list"}},
		},
	}
}

// pods measures the running pods that a selector finds; a namespace can wish to have no metrics
// with `PodMetrics=absent`.
func (m metricsAPI) pods(ctx context.Context, namespace, selector string) (any, error) {
	found, err := m.world.clients.typed.CoreV1().Pods(namespace).List(ctx, meta.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, pod := range found.Items {
		probe := &unstructured.Unstructured{}
		probe.SetKind("PodMetrics")
		probe.SetNamespace(pod.Namespace)
		if pod.Status.Phase != core.PodRunning || m.world.wishOf(probe) != healthy {
			continue
		}
		containers := []any{}
		for _, container := range pod.Spec.Containers {
			containers = append(containers, map[string]any{"name": container.Name, "usage": usageOf(container)})
		}
		items = append(items, map[string]any{
			"metadata":  map[string]any{"name": pod.Name, "namespace": pod.Namespace, "labels": pod.Labels},
			"timestamp": time.Now().UTC().Format(time.RFC3339), "window": metricsWindow, "containers": containers,
		})
	}
	return measured("PodMetricsList", items), nil
}

func (m metricsAPI) nodes(ctx context.Context) (any, error) {
	found, err := m.world.clients.typed.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, node := range found.Items {
		items = append(items, map[string]any{
			"metadata":  map[string]any{"name": node.Name},
			"timestamp": time.Now().UTC().Format(time.RFC3339), "window": metricsWindow,
			"usage": map[string]any{"cpu": "1", "memory": "4Gi"},
		})
	}
	return measured("NodeMetricsList", items), nil
}

func measured(kind string, items []any) map[string]any {
	return map[string]any{"kind": kind, "apiVersion": metricsVersion, "metadata": map[string]any{}, "items": items}
}

// usageOf is half of what a container requests, and a little where it requests nothing.
func usageOf(container core.Container) map[string]any {
	cpu, memory := container.Resources.Requests.Cpu().MilliValue()/2, container.Resources.Requests.Memory().Value()/2
	return map[string]any{
		"cpu":    resource.NewMilliQuantity(max(cpu, 1), resource.DecimalSI).String(),
		"memory": resource.NewQuantity(max(memory, 1<<20), resource.BinarySI).String(),
	}
}
