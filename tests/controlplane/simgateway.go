package main

// Gateway API: GatewayClass, Gateway and routes, with the conditions and reasons of the
// specification, at the generation they speak of.

import (
	"context"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	gatewayGroup   = "gateway.networking.k8s.io"
	meshController = "linkerd.io/policy-controller"
)

func gatewayKind(version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: gatewayGroup, Version: version, Resource: resource}
}

var (
	classResource   = gatewayKind("v1", "gatewayclasses")
	gatewayResource = gatewayKind("v1", "gateways")
	grantResource   = gatewayKind("v1beta1", "referencegrants")
	routeResources  = map[string]schema.GroupVersionResource{
		"HTTPRoute": gatewayKind("v1", "httproutes"), "GRPCRoute": gatewayKind("v1", "grpcroutes"),
		"TLSRoute": gatewayKind("v1", "tlsroutes"), "TCPRoute": gatewayKind("v1alpha2", "tcproutes"),
		"UDPRoute": gatewayKind("v1alpha2", "udproutes"),
	}
	routesOfProtocol = map[string][]string{
		"HTTP": {"HTTPRoute", "GRPCRoute"}, "HTTPS": {"HTTPRoute", "GRPCRoute"},
		"TLS": {"TLSRoute"}, "TCP": {"TCPRoute"}, "UDP": {"UDPRoute"},
	}
)

var gatewaySimulators []simulator

func init() {
	gatewaySimulators = []simulator{
		{"gateway", classResource, "GatewayClass", acceptClass},
		{"gateway", gatewayResource, "Gateway", programGateway},
		{"gateway", grantResource, "ReferenceGrant", grantSeen},
		{"gateway", traefikServiceResource, "TraefikService", grantSeen},
	}
	for kind, resource := range routeResources {
		gatewaySimulators = append(gatewaySimulators, simulator{"gateway", resource, kind, attachRoute})
	}
}

// grantSeen exists so that grants and weighted services are watched and can be looked up.
func grantSeen(context.Context, *world, *unstructured.Unstructured, wish) (outcome, error) {
	return outcome{}, nil
}

func acceptClass(_ context.Context, _ *world, class *unstructured.Unstructured, wish wish) (outcome, error) {
	one := condition("Accepted", "True", "Accepted", "Handled by "+text(class.Object, "spec", "controllerName"))
	switch wish {
	case failing:
		one = condition("Accepted", "False", "InvalidParameters", "The parametersRef is not known")
	case pending:
		one = condition("Accepted", "Unknown", "Pending", "Waiting for controller")
	}
	return outcome{status: map[string]any{"conditions": at(class.GetGeneration(), one)}}, nil
}

func programGateway(ctx context.Context, w *world, gateway *unstructured.Unstructured, wish wish) (outcome, error) {
	class := w.get(classResource, text(gateway.Object, "spec", "gatewayClassName"))
	if class == nil {
		return outcome{retry: true}, nil
	}
	generation := gateway.GetGeneration()
	accepted := condition("Accepted", "True", "Accepted", "Gateway is accepted")
	programmed := condition("Programmed", "True", "Programmed", "Gateway is programmed")
	switch wish {
	case failing:
		programmed = condition("Programmed", "False", "Invalid", "The configuration could not be loaded")
	case pending:
		programmed = condition("Programmed", "Unknown", "Pending", "Waiting for controller")
	}
	listeners, broken, err := listenerStatuses(ctx, w, gateway)
	if err != nil {
		return outcome{}, err
	}
	if broken {
		accepted = condition("Accepted", "True", "ListenersNotValid", "A listener is not valid")
	}
	status := map[string]any{"conditions": at(generation, accepted, programmed), "listeners": listeners}
	if wish == healthy {
		status["addresses"] = []any{map[string]any{"type": "IPAddress", "value": addressFor(gateway)}}
	}
	return outcome{status: status, retry: broken}, nil
}

func listenerStatuses(ctx context.Context, w *world, gateway *unstructured.Unstructured) ([]any, bool, error) {
	statuses, broken := []any{}, false
	for _, listener := range list(gateway.Object, "spec", "listeners") {
		missing, err := missingCertificate(ctx, w, gateway, listener)
		if err != nil {
			return nil, false, err
		}
		programmed := condition("Programmed", "True", "Programmed", "Listener is programmed")
		resolved := condition("ResolvedRefs", "True", "ResolvedRefs", "All references are resolved")
		if missing != "" {
			broken = true
			programmed = condition("Programmed", "False", "Invalid", "A reference cannot be resolved")
			resolved = condition("ResolvedRefs", "False", "InvalidCertificateRef", "Secret "+missing+" does not exist")
		}
		statuses = append(statuses, map[string]any{
			"name":           listener["name"],
			"supportedKinds": supportedKinds(text(listener, "protocol")),
			"attachedRoutes": attachedRoutes(w, gateway, text(listener, "name")),
			"conditions": at(gateway.GetGeneration(), condition("Accepted", "True", "Accepted", "Listener is accepted"), programmed, resolved,
				condition("Conflicted", "False", "NoConflicts", "No conflict")),
		})
	}
	return statuses, broken, nil
}

func missingCertificate(ctx context.Context, w *world, gateway *unstructured.Unstructured, listener map[string]any) (string, error) {
	for _, ref := range list(listener, "tls", "certificateRefs") {
		namespace := orElse(text(ref, "namespace"), gateway.GetNamespace())
		_, err := w.clients.typed.CoreV1().Secrets(namespace).Get(ctx, text(ref, "name"), meta.GetOptions{})
		if apierrors.IsNotFound(err) {
			return namespace + "/" + text(ref, "name"), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

func supportedKinds(protocol string) []any {
	kinds := []any{}
	for _, kind := range routesOfProtocol[protocol] {
		kinds = append(kinds, map[string]any{"group": gatewayGroup, "kind": kind})
	}
	return kinds
}

func attachedRoutes(w *world, gateway *unstructured.Unstructured, listener string) int64 {
	count := int64(0)
	for _, resource := range routeResources {
		for _, route := range w.all(resource) {
			for _, parent := range list(route.Object, "spec", "parentRefs") {
				section := text(parent, "sectionName")
				if parentKey(route, parent) == gateway.GetNamespace()+"/"+gateway.GetName() && (section == "" || section == listener) {
					count++
					break
				}
			}
		}
	}
	return count
}

func parentKey(route *unstructured.Unstructured, parent map[string]any) string {
	return orElse(text(parent, "namespace"), route.GetNamespace()) + "/" + text(parent, "name")
}

func attachRoute(_ context.Context, w *world, route *unstructured.Unstructured, wish wish) (outcome, error) {
	parents, retry := []any{}, false
	for _, parent := range list(route.Object, "spec", "parentRefs") {
		controller, accepted := acceptance(w, route, parent)
		if controller == "" {
			retry = true
			continue
		}
		resolved, open := resolution(w, route)
		retry = retry || open
		switch wish {
		case failing:
			accepted = condition("Accepted", "False", "UnsupportedValue", "A filter of the route is not supported")
		case pending:
			accepted = condition("Accepted", "Unknown", "Pending", "Waiting for controller")
		}
		parents = append(parents, map[string]any{
			"parentRef": parent, "controllerName": controller,
			"conditions": at(route.GetGeneration(), accepted, resolved),
		})
		if text(parent, "kind") != "Service" {
			w.queue.Add(item{gatewayResource, parentKey(route, parent)})
		}
	}
	return outcome{status: map[string]any{"parents": parents}, retry: retry}, nil
}

// acceptance says which controller speaks for a parent, and whether it takes the route; no
// controller speaks for a parent that does not exist.
func acceptance(w *world, route *unstructured.Unstructured, parent map[string]any) (string, map[string]any) {
	key := parentKey(route, parent)
	if text(parent, "kind") == "Service" {
		if w.get(serviceResource, key) == nil {
			return meshController, condition("Accepted", "False", "NoMatchingParent", "Service "+key+" does not exist")
		}
		return meshController, condition("Accepted", "True", "Accepted", "Route is accepted")
	}
	gateway := w.get(gatewayResource, key)
	if gateway == nil {
		return "", nil
	}
	class := w.get(classResource, text(gateway.Object, "spec", "gatewayClassName"))
	if class == nil {
		return "", nil
	}
	controller := text(class.Object, "spec", "controllerName")
	reason, message := refusal(route, parent, gateway)
	if reason != "" {
		return controller, condition("Accepted", "False", reason, message)
	}
	return controller, condition("Accepted", "True", "Accepted", "Route is accepted")
}

// refusal tells why no listener of the gateway takes the route, or nothing.
func refusal(route *unstructured.Unstructured, parent map[string]any, gateway *unstructured.Unstructured) (string, string) {
	reason, message := "NoMatchingParent", "No listener has this name and takes this kind"
	hostnames, _, _ := unstructured.NestedStringSlice(route.Object, "spec", "hostnames")
	for _, listener := range list(gateway.Object, "spec", "listeners") {
		section := text(parent, "sectionName")
		if section != "" && section != text(listener, "name") || !speaks(listener, route.GetKind()) {
			continue
		}
		from := orElse(text(listener, "allowedRoutes", "namespaces", "from"), "Same")
		if from == "None" || from == "Same" && route.GetNamespace() != gateway.GetNamespace() {
			reason, message = "NotAllowedByListeners", "The listener takes no route of this namespace"
			continue
		}
		if hostMatches(text(listener, "hostname"), hostnames) {
			return "", ""
		}
		reason, message = "NoMatchingListenerHostname", "No host name of the route belongs to the listener"
	}
	return reason, message
}

func speaks(listener map[string]any, kind string) bool {
	for _, possible := range routesOfProtocol[text(listener, "protocol")] {
		if possible == kind {
			return true
		}
	}
	return false
}

func hostMatches(listener string, hostnames []string) bool {
	if listener == "" || len(hostnames) == 0 {
		return true
	}
	for _, host := range hostnames {
		if host == listener ||
			strings.HasPrefix(listener, "*.") && strings.HasSuffix(host, listener[1:]) ||
			strings.HasPrefix(host, "*.") && strings.HasSuffix(listener, host[1:]) {
			return true
		}
	}
	return false
}

// resolution looks up the backends of a route; the second value says that one may still appear.
func resolution(w *world, route *unstructured.Unstructured) (map[string]any, bool) {
	for _, rule := range list(route.Object, "spec", "rules") {
		for _, backend := range list(rule, "backendRefs") {
			key := parentKey(route, backend)
			switch kind := text(backend, "kind"); kind {
			case "", "Service":
			case "TraefikService":
				if w.get(traefikServiceResource, key) == nil {
					return condition("ResolvedRefs", "False", "BackendNotFound", "TraefikService "+key+" does not exist"), true
				}
				continue
			default:
				continue
			}
			if w.get(serviceResource, key) == nil {
				return condition("ResolvedRefs", "False", "BackendNotFound", "Service "+key+" does not exist"), true
			}
			if namespace := text(backend, "namespace"); namespace != "" && namespace != route.GetNamespace() && !granted(w, route, namespace) {
				return condition("ResolvedRefs", "False", "RefNotPermitted", "No ReferenceGrant allows Service "+key), true
			}
		}
	}
	return condition("ResolvedRefs", "True", "ResolvedRefs", "All references are resolved"), false
}

func granted(w *world, route *unstructured.Unstructured, namespace string) bool {
	for _, grant := range w.all(grantResource) {
		if grant.GetNamespace() != namespace {
			continue
		}
		for _, from := range list(grant.Object, "spec", "from") {
			if text(from, "kind") == route.GetKind() && text(from, "namespace") == route.GetNamespace() {
				return true
			}
		}
	}
	return false
}
