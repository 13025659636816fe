package main

// KEDA and Flagger.

import (
	"context"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var scalingSimulators = []simulator{
	{"keda", schema.GroupVersionResource{Group: "keda.sh", Version: "v1alpha1", Resource: "scaledobjects"}, "ScaledObject", scaleObject},
	{"keda", schema.GroupVersionResource{Group: "keda.sh", Version: "v1alpha1", Resource: "scaledjobs"}, "ScaledJob", scaleObject},
	{"flagger", schema.GroupVersionResource{Group: "flagger.app", Version: "v1beta1", Resource: "canaries"}, "Canary", rollCanary},
}

func scaleObject(_ context.Context, _ *world, object *unstructured.Unstructured, wish wish) (outcome, error) {
	ready := condition("Ready", "True", "ScaledObjectReady", "ScaledObject is defined correctly and is ready for scaling")
	active := condition("Active", "False", "ScalerNotActive", "Scaling is not performed because triggers are not active")
	fallback := condition("Fallback", "False", "NoFallbackFound", "No fallbacks are active on this scaled object")
	paused := condition("Paused", "False", "ScaledObjectUnpaused", "pause annotation removed for ScaledObject")
	switch wish {
	case failing:
		ready = condition("Ready", "False", "ScaledObjectCheckFailed", "ScaledObject doesn't have correct scaleTargetRef specification")
		active["status"], fallback["status"] = "Unknown", "Unknown"
	case pending:
		ready = condition("Ready", "Unknown", "ScaledObjectPending", "Waiting for controller")
	}
	if _, asked := object.GetAnnotations()["autoscaling.keda.sh/paused"]; asked {
		paused = condition("Paused", "True", "ScaledObjectPaused", "ScaledObject is paused")
	}
	entries := untimed(conditions(ready, active, fallback, paused))
	return outcome{status: map[string]any{"conditions": entries}}, nil
}

var traefikServiceResource = schema.GroupVersionResource{Group: "traefik.io", Version: "v1alpha1", Resource: "traefikservices"}

// servicesOf makes what Flagger makes of a canary: three Services, and the weighted one of Traefik
// with all traffic at the primary.
func servicesOf(ctx context.Context, w *world, canary *unstructured.Unstructured) error {
	name, namespace := text(canary.Object, "spec", "service", "name"), canary.GetNamespace()
	name = orElse(name, text(canary.Object, "spec", "targetRef", "name"))
	port, _, _ := unstructured.NestedInt64(canary.Object, "spec", "service", "port")
	metadata := func(name string) map[string]any {
		return map[string]any{"name": name, "namespace": namespace, "ownerReferences": ownerOf(canary)}
	}
	objects := []struct {
		resource schema.GroupVersionResource
		object   map[string]any
	}{}
	for suffix, selected := range map[string]string{"": "-primary", "-primary": "-primary", "-canary": ""} {
		ports := []any{map[string]any{"name": orElse(text(canary.Object, "spec", "service", "portName"), "http"), "port": port, "protocol": "TCP"}}
		objects = append(objects, struct {
			resource schema.GroupVersionResource
			object   map[string]any
		}{serviceResource, map[string]any{
			"apiVersion": "v1", "kind": "Service", "metadata": metadata(name + suffix),
			"spec": map[string]any{"ports": ports, "selector": map[string]any{"app.kubernetes.io/name": name + selected}},
		}})
	}
	if text(canary.Object, "spec", "provider") == "traefik" {
		one := func(name string, weight int64) map[string]any {
			return map[string]any{"name": name, "namespace": namespace, "port": port, "weight": weight}
		}
		objects = append(objects, struct {
			resource schema.GroupVersionResource
			object   map[string]any
		}{traefikServiceResource, map[string]any{
			"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService", "metadata": metadata(name),
			"spec": map[string]any{"weighted": map[string]any{"services": []any{one(name+"-primary", 100), one(name+"-canary", 0)}}},
		}})
	}
	for _, each := range objects {
		object := &unstructured.Unstructured{Object: each.object}
		_, err := w.clients.dynamic.Resource(each.resource).Namespace(namespace).Apply(
			ctx, object.GetName(), object, meta.ApplyOptions{FieldManager: "testbed-flagger", Force: true})
		if err != nil {
			return err
		}
	}
	return nil
}

// rollCanary initialises at the first sight of a canary and succeeds at every later generation.
func rollCanary(ctx context.Context, w *world, canary *unstructured.Unstructured, wish wish) (outcome, error) {
	if err := servicesOf(ctx, w, canary); err != nil {
		return outcome{}, err
	}
	phase, status, reason := "Initialized", "True", "Initialized"
	if canary.GetGeneration() > 1 {
		phase, reason = "Succeeded", "Succeeded"
	}
	weight, failed := int64(0), int64(0)
	switch wish {
	case failing:
		phase, status, reason, failed = "Failed", "False", "Failed", 5
	case pending:
		phase, status, reason, weight = "Progressing", "Unknown", "Progressing", 20
	}
	return outcome{status: map[string]any{
		"phase": phase, "canaryWeight": weight, "failedChecks": failed, "iterations": int64(0),
		"conditions": conditions(condition("Promoted", status, reason, "Canary is "+phase)),
	}}, nil
}
