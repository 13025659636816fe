package main

// How fake pods behave: KWOK's own fast stages for healthy pods, and ours for those that a test
// wants to see failing, pending or untouched.

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	"sigs.k8s.io/kwok/kustomize/stage/node/heartbeat"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/yaml"
)

// The wish of a pod: its annotation, or the word that the last part of an image's name is made of.
const podWish = `.metadata.annotations["` + wishKey + `"] // ` +
	`([.spec.containers[].image | capture("/(?<word>failing|pending|absent)(:|@|$)") | .word] | first) // "healthy"`

func podStages() ([]byte, error) {
	var out bytes.Buffer
	for _, stage := range []string{
		fast.DefaultNodeInit, heartbeat.DefaultNodeHeartbeat, podfast.DefaultPodDelete, crashingPod, failedJobPod,
	} {
		fmt.Fprintf(&out, "%s\n---\n", stage)
	}
	for _, stage := range []string{podfast.DefaultPodReady, podfast.DefaultPodComplete} {
		limited, err := onlyHealthy(stage)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%s\n---\n", limited)
	}
	return out.Bytes(), nil
}

// onlyHealthy narrows an upstream stage to the pods that nobody wants otherwise.
func onlyHealthy(stage string) ([]byte, error) {
	var object map[string]any
	if err := yaml.Unmarshal([]byte(stage), &object); err != nil {
		return nil, fmt.Errorf("read a stage of KWOK: %w", err)
	}
	spec, _ := object["spec"].(map[string]any)
	selector, _ := spec["selector"].(map[string]any)
	expressions, ok := selector["matchExpressions"].([]any)
	if !ok {
		return nil, fmt.Errorf("a stage of KWOK has no spec.selector.matchExpressions")
	}
	selector["matchExpressions"] = append(expressions,
		map[string]any{"key": podWish, "operator": "In", "values": []any{"healthy"}})
	return yaml.Marshal(object)
}

// A pod whose containers cannot start, as a kubelet reports it after a few attempts.
const crashingPod = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: testbed-pod-crashing
spec:
  resourceRef:
    apiGroup: v1
    kind: Pod
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.phase', operator: In, values: [Pending]}
    - {key: '[.metadata.ownerReferences[]?.kind] | any(. == "Job")', operator: In, values: ['false']}
    - {key: '` + podWish + `', operator: In, values: [failing]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      {{ range $type, $status := dict "Initialized" "True" "Ready" "False" "ContainersReady" "False" }}
      - type: {{ $type | Quote }}
        status: {{ $status | Quote }}
        lastTransitionTime: {{ $now | Quote }}
        reason: ContainersNotReady
      {{ end }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        ready: false
        started: false
        restartCount: 5
        state:
          waiting:
            reason: CrashLoopBackOff
            message: back-off 2m40s restarting failed container
        lastState:
          terminated:
            exitCode: 1
            reason: Error
            startedAt: {{ $now | Quote }}
            finishedAt: {{ $now | Quote }}
      {{ end }}
      phase: Running
      startTime: {{ $now | Quote }}
`

// A pod of a Job that ended with an error.
const failedJobPod = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: testbed-job-pod-failed
spec:
  resourceRef:
    apiGroup: v1
    kind: Pod
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.phase', operator: In, values: [Pending]}
    - {key: '[.metadata.ownerReferences[]?.kind] | any(. == "Job")', operator: In, values: ['true']}
    - {key: '` + podWish + `', operator: In, values: [failing]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        ready: false
        started: false
        restartCount: 0
        state:
          terminated:
            exitCode: 1
            reason: Error
            startedAt: {{ $now | Quote }}
            finishedAt: {{ $now | Quote }}
      {{ end }}
      phase: Failed
      startTime: {{ $now | Quote }}
`
