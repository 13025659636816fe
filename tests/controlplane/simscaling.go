package main

// KEDA and Flagger.

import (
	"context"

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

// rollCanary initialises at the first sight of a canary and succeeds at every later generation.
func rollCanary(_ context.Context, _ *world, canary *unstructured.Unstructured, wish wish) (outcome, error) {
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
