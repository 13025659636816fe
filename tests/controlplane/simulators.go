package main

// The engine of the simulated controllers: one informer per kind that is served, one queue, and
// for every object the status that its real controller would write. What a test wishes for an
// object is read from the annotation `testbed.kubemate.dev/status` on it or on its namespace.

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

const (
	wishKey = "testbed.kubemate.dev/status"
	again   = 300 * time.Millisecond
	workers = 8
)

// wish is what a test wants a simulator to do with an object.
type wish string

const (
	healthy wish = "healthy"
	failing wish = "failing"
	pending wish = "pending"
	absent  wish = "absent"
)

// outcome is what a simulator decided: the status to write (nil: none), and whether to look again
// because something that the object refers to is missing.
type outcome struct {
	status map[string]any
	retry  bool
}

// simulator plays the controller of one kind.
type simulator struct {
	family   string
	resource schema.GroupVersionResource
	kind     string
	act      func(ctx context.Context, w *world, object *unstructured.Unstructured, wish wish) (outcome, error)
}

type item struct {
	resource schema.GroupVersionResource
	key      string
}

type watched struct {
	indexer cache.Indexer
	synced  cache.InformerSynced
	stop    context.CancelFunc
}

// world is what all simulators share.
type world struct {
	clients    clients
	simulators map[schema.GroupVersionResource]simulator
	queue      workqueue.TypedRateLimitingInterface[item]
	mutex      sync.RWMutex
	watched    map[schema.GroupVersionResource]watched
}

var (
	namespaceResource = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	serviceResource   = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	secretResource    = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
)

func allSimulators() []simulator {
	return slices.Concat(coreSimulators, gatewaySimulators, secretSimulators, certificateSimulators, scalingSimulators, conditionSimulators())
}

func familyNames() []string {
	names := []string{metricsFamily}
	for _, s := range allSimulators() {
		if !slices.Contains(names, s.family) {
			names = append(names, s.family)
		}
	}
	slices.Sort(names)
	return names
}

func knownFamilies(names []string) error {
	if len(names) == 1 && (names[0] == "all" || names[0] == "none") {
		return nil
	}
	for _, name := range names {
		if !slices.Contains(familyNames(), name) {
			return fmt.Errorf("there is no simulator %q; there are: %s", name, strings.Join(familyNames(), ", "))
		}
	}
	return nil
}

// startSimulators starts the families of a comma separated list, or all, or none.
func startSimulators(ctx context.Context, c clients, list, dir string) error {
	if list == "none" {
		return nil
	}
	wanted := splitList(list, ",")
	if err := knownFamilies(wanted); err != nil {
		return err
	}
	if list == "all" {
		wanted = familyNames()
	}
	w := &world{
		clients:    c,
		simulators: map[schema.GroupVersionResource]simulator{},
		queue:      workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[item]()),
		watched:    map[schema.GroupVersionResource]watched{},
	}
	for _, s := range allSimulators() {
		if slices.Contains(wanted, s.family) {
			w.simulators[s.resource] = s
		}
	}
	w.start(ctx)
	if slices.Contains(wanted, metricsFamily) {
		return serveMetrics(ctx, w, dir)
	}
	return nil
}

func (w *world) start(ctx context.Context) {
	w.watch(ctx, namespaceResource, w.namespaceChanged)
	for resource := range w.simulators {
		if builtIn(resource.Group) {
			w.watch(ctx, resource, nil)
		}
	}
	w.watch(ctx, serviceResource, nil)
	w.watch(ctx, crdResource, func(object *unstructured.Unstructured, gone bool) { w.crdChanged(ctx, object, gone) })
	for range workers {
		go w.work(ctx)
	}
	go func() { <-ctx.Done(); w.queue.ShutDown() }()
}

func builtIn(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.Contains(group, "gateway")
}

// watch starts the informer of a resource once.
func (w *world) watch(ctx context.Context, resource schema.GroupVersionResource, changed func(*unstructured.Unstructured, bool)) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, started := w.watched[resource]; started {
		return
	}
	if changed == nil {
		changed = func(object *unstructured.Unstructured, _ bool) { w.enqueue(resource, object) }
	}
	ctx, stop := context.WithCancel(ctx)
	informer := dynamicinformer.NewFilteredDynamicInformer(
		w.clients.dynamic, resource, meta.NamespaceAll, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}, nil,
	).Informer()
	tell := func(value any, gone bool) {
		if last, ok := value.(cache.DeletedFinalStateUnknown); ok {
			value = last.Obj
		}
		if object, ok := value.(*unstructured.Unstructured); ok {
			changed(object, gone)
		}
	}
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(value any) { tell(value, false) },
		UpdateFunc: func(_, value any) { tell(value, false) },
		DeleteFunc: func(value any) { tell(value, true) },
	})
	w.watched[resource] = watched{indexer: informer.GetIndexer(), synced: informer.HasSynced, stop: stop}
	go informer.RunWithContext(ctx)
}

// crdChanged starts or stops the simulators of a kind with its CRD.
func (w *world) crdChanged(ctx context.Context, crd *unstructured.Unstructured, gone bool) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	for resource := range w.simulators {
		if resource.Group != group || resource.Resource != plural {
			continue
		}
		if gone {
			w.forget(resource)
		} else if conditionOf(crd, "Established") == "True" {
			w.watch(ctx, resource, nil)
		}
	}
}

func (w *world) forget(resource schema.GroupVersionResource) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if one, started := w.watched[resource]; started {
		one.stop()
		delete(w.watched, resource)
	}
}

// namespaceChanged looks again at everything in a namespace: its wish may have changed.
func (w *world) namespaceChanged(namespace *unstructured.Unstructured, gone bool) {
	if gone {
		return
	}
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	for resource, one := range w.watched {
		if _, simulated := w.simulators[resource]; !simulated {
			continue
		}
		keys, _ := one.indexer.IndexKeys(cache.NamespaceIndex, namespace.GetName())
		for _, key := range keys {
			w.queue.Add(item{resource, key})
		}
	}
}

func (w *world) enqueue(resource schema.GroupVersionResource, object *unstructured.Unstructured) {
	if _, simulated := w.simulators[resource]; !simulated {
		return
	}
	if key, err := cache.MetaNamespaceKeyFunc(object); err == nil {
		w.queue.Add(item{resource, key})
	}
}

func (w *world) work(ctx context.Context) {
	for {
		next, shutdown := w.queue.Get()
		if shutdown {
			return
		}
		retry, err := w.reconcile(ctx, next)
		w.queue.Done(next)
		switch {
		case err != nil && ctx.Err() == nil:
			if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && w.queue.NumRequeues(next) < 3 {
				fmt.Fprintf(os.Stderr, "simulator of %s %s: %v\n", next.resource.Resource, next.key, err)
			}
			w.queue.AddRateLimited(next)
		case retry:
			w.queue.Forget(next)
			w.queue.AddAfter(next, again)
		default:
			w.queue.Forget(next)
		}
	}
}

func (w *world) reconcile(ctx context.Context, next item) (bool, error) {
	object := w.get(next.resource, next.key)
	if object == nil || object.GetDeletionTimestamp() != nil {
		return false, nil
	}
	wish := w.wishOf(object)
	if wish == absent {
		return false, nil
	}
	s := w.simulators[next.resource]
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	result, err := s.act(ctx, w, object, wish)
	if err != nil || result.status == nil {
		return result.retry, err
	}
	return result.retry, w.writeStatus(ctx, s, object, result.status)
}

// writeStatus patches the status where it differs from the one that is there.
func (w *world) writeStatus(ctx context.Context, s simulator, object *unstructured.Unstructured, status map[string]any) error {
	old, _, _ := unstructured.NestedMap(object.Object, "status")
	stamp(status, old, time.Now().UTC().Format(time.RFC3339))
	same := true
	for field, value := range status {
		same = same && reflect.DeepEqual(value, old[field])
	}
	if same {
		return nil
	}
	body, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = w.clients.dynamic.Resource(s.resource).Namespace(object.GetNamespace()).Patch(
		ctx, object.GetName(), types.MergePatchType, body, meta.PatchOptions{FieldManager: "testbed-" + s.family}, "status")
	return err
}

// get returns an object from the cache of its informer, or nil.
func (w *world) get(resource schema.GroupVersionResource, key string) *unstructured.Unstructured {
	w.mutex.RLock()
	one, started := w.watched[resource]
	w.mutex.RUnlock()
	if !started {
		return nil
	}
	value, exists, err := one.indexer.GetByKey(key)
	if err != nil || !exists {
		return nil
	}
	object, _ := value.(*unstructured.Unstructured)
	return object.DeepCopy()
}

// all returns every object of a resource in the cache; treat them as read-only.
func (w *world) all(resource schema.GroupVersionResource) []*unstructured.Unstructured {
	w.mutex.RLock()
	one, started := w.watched[resource]
	w.mutex.RUnlock()
	if !started {
		return nil
	}
	var objects []*unstructured.Unstructured
	for _, value := range one.indexer.List() {
		if object, ok := value.(*unstructured.Unstructured); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// wishOf reads the wish for an object: its own annotation, then its namespace's, which may be one
// word for everything or a list like `HTTPRoute=failing,Certificate=absent`.
func (w *world) wishOf(object *unstructured.Unstructured) wish {
	if own := object.GetAnnotations()[wishKey]; own != "" {
		return wish(own)
	}
	namespace := w.get(namespaceResource, object.GetNamespace())
	if namespace == nil {
		return healthy
	}
	for _, entry := range splitList(namespace.GetAnnotations()[wishKey], ",") {
		kind, word, limited := strings.Cut(entry, "=")
		if !limited {
			return wish(entry)
		}
		if kind == object.GetKind() {
			return wish(word)
		}
	}
	return healthy
}

// stamp fills in the times of conditions: the old one where the status of the condition stays.
func stamp(fresh, old any, now string) {
	switch value := fresh.(type) {
	case map[string]any:
		before, _ := old.(map[string]any)
		if _, isCondition := value["type"]; isCondition && value["status"] != nil {
			stampCondition(value, before, now)
		}
		for field, inner := range value {
			stamp(inner, before[field], now)
		}
	case []any:
		before, _ := old.([]any)
		for _, entry := range value {
			stamp(entry, counterpart(entry, before), now)
		}
	}
}

// stampCondition leaves out the time of a condition that says it has none (`untimed`).
func stampCondition(fresh, before map[string]any, now string) {
	if time, set := fresh["lastTransitionTime"]; set {
		if time == nil {
			delete(fresh, "lastTransitionTime")
		}
		return
	}
	fresh["lastTransitionTime"] = now
	if before["status"] == fresh["status"] && before["lastTransitionTime"] != nil {
		fresh["lastTransitionTime"] = before["lastTransitionTime"]
	}
}

// untimed marks conditions of an API that keeps no transition times.
func untimed(entries []any) []any {
	for _, entry := range entries {
		entry.(map[string]any)["lastTransitionTime"] = nil
	}
	return entries
}

// counterpart finds the old entry of a list that a new one replaces.
func counterpart(entry any, before []any) any {
	fresh, ok := entry.(map[string]any)
	if !ok {
		return nil
	}
	for _, candidate := range before {
		old, _ := candidate.(map[string]any)
		for _, key := range []string{"type", "name", "parentRef"} {
			if fresh[key] != nil && reflect.DeepEqual(fresh[key], old[key]) {
				return old
			}
		}
	}
	return nil
}

// condition makes one entry of status.conditions.
func condition(kind, status, reason, message string) map[string]any {
	return map[string]any{"type": kind, "status": status, "reason": reason, "message": message}
}

// at adds the generation that a condition speaks of.
func at(generation int64, conditions ...map[string]any) []any {
	list := make([]any, 0, len(conditions))
	for _, one := range conditions {
		one["observedGeneration"] = generation
		list = append(list, one)
	}
	return list
}

func conditions(entries ...map[string]any) []any {
	list := make([]any, 0, len(entries))
	for _, one := range entries {
		list = append(list, one)
	}
	return list
}

func text(object map[string]any, path ...string) string {
	value, _, _ := unstructured.NestedString(object, path...)
	return value
}

func list(object map[string]any, path ...string) []map[string]any {
	values, _, _ := unstructured.NestedSlice(object, path...)
	var maps []map[string]any
	for _, value := range values {
		if entry, ok := value.(map[string]any); ok {
			maps = append(maps, entry)
		}
	}
	return maps
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// applySecret writes a Secret the way an operator does; an owner makes it vanish with its source.
func (w *world) applySecret(ctx context.Context, manager string, secret map[string]any) error {
	object := unstructured.Unstructured{Object: secret}
	body, err := json.Marshal(secret)
	if err != nil {
		return err
	}
	force := true
	_, err = w.clients.dynamic.Resource(secretResource).Namespace(object.GetNamespace()).Patch(
		ctx, object.GetName(), types.ApplyPatchType, body, meta.PatchOptions{FieldManager: manager, Force: &force})
	return err
}

func ownerOf(object *unstructured.Unstructured) []any {
	return []any{map[string]any{
		"apiVersion": object.GetAPIVersion(), "kind": object.GetKind(), "name": object.GetName(), "uid": string(object.GetUID()),
		"controller": true, "blockOwnerDeletion": true,
	}}
}
