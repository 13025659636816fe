package main

// Kinds whose controllers say everything with one or two conditions. One line each.

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// plainKind is a kind with conditions: those that are true when it is healthy, and the one that
// is false (or, for `bad`, true) when it failed.
type plainKind struct {
	family, group, version, resource, kind string
	good                                   []string
	bad                                    string
	reason                                 string
	generation                             bool
}

var plainKinds = []plainKind{
	{"tekton", "tekton.dev", "v1", "pipelineruns", "PipelineRun", []string{"Succeeded"}, "", "Succeeded", false},
	{"tekton", "tekton.dev", "v1", "taskruns", "TaskRun", []string{"Succeeded"}, "", "Succeeded", false},
	{"tekton", "triggers.tekton.dev", "v1beta1", "eventlisteners", "EventListener", []string{"Available", "Deployment", "Service", "Ready"}, "", "MinimumReplicasAvailable", false},
	{"prometheus", "monitoring.coreos.com", "v1", "prometheuses", "Prometheus", []string{"Available", "Reconciled"}, "", "", true},
	{"prometheus", "monitoring.coreos.com", "v1", "alertmanagers", "Alertmanager", []string{"Available", "Reconciled"}, "", "", true},
	{"prometheus", "monitoring.coreos.com", "v1", "thanosrulers", "ThanosRuler", []string{"Available", "Reconciled"}, "", "", true},
	{"kserve", "serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService", []string{"PredictorReady", "IngressReady", "Ready"}, "", "", false},
	{"kserve", "serving.kserve.io", "v1alpha2", "llminferenceservices", "LLMInferenceService", []string{"WorkloadsReady", "RouterReady", "Ready"}, "", "", false},
	{"trainer", "trainer.kubeflow.org", "v1alpha1", "trainjobs", "TrainJob", []string{"Complete"}, "Failed", "JobsCompleted", false},
	{"trainer", "kubeflow.org", "v1", "pytorchjobs", "PyTorchJob", []string{"Succeeded"}, "Failed", "PyTorchJobSucceeded", false},
	{"kueue", "kueue.x-k8s.io", "v1beta2", "clusterqueues", "ClusterQueue", []string{"Active"}, "", "Ready", true},
	{"kueue", "kueue.x-k8s.io", "v1beta2", "localqueues", "LocalQueue", []string{"Active"}, "", "Ready", true},
	{"kueue", "kueue.x-k8s.io", "v1beta2", "admissionchecks", "AdmissionCheck", []string{"Active"}, "", "Active", true},
	{"jobset", "jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet", []string{"Completed"}, "Failed", "AllJobsCompleted", false},
}

func conditionSimulators() []simulator {
	simulators := make([]simulator, 0, len(plainKinds))
	for _, kind := range plainKinds {
		resource := schema.GroupVersionResource{Group: kind.group, Version: kind.version, Resource: kind.resource}
		simulators = append(simulators, simulator{kind.family, resource, kind.kind, kind.act})
	}
	return simulators
}

func (k plainKind) act(_ context.Context, _ *world, object *unstructured.Unstructured, wish wish) (outcome, error) {
	var entries []any
	for _, name := range k.good {
		status, reason, message := "True", orElse(k.reason, name), "All is well"
		switch wish {
		case failing:
			status, reason, message = "False", "Failed", "A part of it failed"
		case pending:
			status, reason, message = "Unknown", "Running", "Not all parts are ready"
		}
		if k.bad != "" && wish == failing {
			continue
		}
		entries = append(entries, condition(name, status, reason, message))
	}
	if k.bad != "" && wish == failing {
		entries = append(entries, condition(k.bad, "True", "Failed", "A part of it failed"))
	}
	if k.generation {
		for _, entry := range entries {
			entry.(map[string]any)["observedGeneration"] = object.GetGeneration()
		}
	}
	return outcome{status: map[string]any{"conditions": entries}}, nil
}
