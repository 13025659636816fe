package main

// External Secrets: stores and the Secrets that are made from them.

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const secretsGroup = "external-secrets.io"

var (
	storeResource        = schema.GroupVersionResource{Group: secretsGroup, Version: "v1", Resource: "secretstores"}
	clusterStoreResource = schema.GroupVersionResource{Group: secretsGroup, Version: "v1", Resource: "clustersecretstores"}
)

var secretSimulators = []simulator{
	{"external-secrets", storeResource, "SecretStore", validateStore},
	{"external-secrets", clusterStoreResource, "ClusterSecretStore", validateStore},
	{"external-secrets", schema.GroupVersionResource{Group: secretsGroup, Version: "v1", Resource: "externalsecrets"}, "ExternalSecret", syncSecret},
}

func validateStore(_ context.Context, _ *world, _ *unstructured.Unstructured, wish wish) (outcome, error) {
	one := condition("Ready", "True", "Valid", "store validated")
	switch wish {
	case pending:
		return outcome{}, nil
	case failing:
		one = condition("Ready", "False", "InvalidProviderConfig", "unable to log in to the provider")
	}
	return outcome{status: map[string]any{"capabilities": "ReadWrite", "conditions": conditions(one)}}, nil
}

func syncSecret(ctx context.Context, w *world, object *unstructured.Unstructured, wish wish) (outcome, error) {
	if wish == pending {
		return outcome{}, nil
	}
	problem := secretProblem(w, object)
	if wish == failing {
		problem = "could not get secret data from provider"
	}
	if problem == "" {
		if err := w.writeTarget(ctx, object); err != nil {
			problem = "could not write the target Secret: " + err.Error()
		}
	}
	if problem != "" {
		one := condition("Ready", "False", "SecretSyncedError", problem)
		return outcome{status: map[string]any{"conditions": conditions(one)}, retry: wish != failing}, nil
	}
	refreshed := orElse(text(object.Object, "status", "refreshTime"), time.Now().UTC().Format(time.RFC3339))
	return outcome{status: map[string]any{
		"conditions":            conditions(condition("Ready", "True", "SecretSynced", "secret synced")),
		"refreshTime":           refreshed,
		"syncedResourceVersion": fmt.Sprintf("%d-%s", object.GetGeneration(), digest(object.GetName())[:16]),
		"binding":               map[string]any{"name": targetName(object)},
	}}, nil
}

// secretProblem says why nothing can be read: a store that is missing or not ready, or a remote
// key that is called missing.
func secretProblem(w *world, object *unstructured.Unstructured) string {
	name, kind := text(object.Object, "spec", "secretStoreRef", "name"), text(object.Object, "spec", "secretStoreRef", "kind")
	if name != "" {
		store := w.get(storeResource, object.GetNamespace()+"/"+name)
		if kind == "ClusterSecretStore" {
			store = w.get(clusterStoreResource, name)
		}
		if store == nil {
			return fmt.Sprintf("could not get secret store %q: not found", name)
		}
		if conditionOf(store, "Ready") != "True" {
			return fmt.Sprintf("secret store %q is not ready", name)
		}
	}
	for _, entry := range list(object.Object, "spec", "data") {
		if key := text(entry, "remoteRef", "key"); strings.HasSuffix(key, "missing") {
			return fmt.Sprintf("could not get secret data from provider: %q does not exist", key)
		}
	}
	return ""
}

func targetName(object *unstructured.Unstructured) string {
	return orElse(text(object.Object, "spec", "target", "name"), object.GetName())
}

// writeTarget makes the Secret with values that depend on nothing but the remote keys.
func (w *world) writeTarget(ctx context.Context, object *unstructured.Unstructured) error {
	policy := orElse(text(object.Object, "spec", "target", "creationPolicy"), "Owner")
	if policy == "None" {
		return nil
	}
	data := map[string]any{}
	for _, entry := range list(object.Object, "spec", "data") {
		source := text(entry, "remoteRef", "key") + "/" + text(entry, "remoteRef", "property")
		key := text(entry, "secretKey")
		data[key] = stored(key, source)
	}
	if len(list(object.Object, "spec", "dataFrom")) > 0 {
		for _, key := range []string{"username", "password"} {
			data[key] = stored(key, object.GetName()+key)
		}
	}
	template, _, _ := unstructured.NestedMap(object.Object, "spec", "target", "template", "data")
	for key := range template {
		data[key] = stored(key, object.GetName()+key)
	}
	metadata := map[string]any{
		"name": targetName(object), "namespace": object.GetNamespace(),
		"labels": map[string]any{"reconcile.external-secrets.io/managed": "true"},
	}
	if policy == "Owner" {
		metadata["ownerReferences"] = ownerOf(object)
	}
	secret := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
	if kind := text(object.Object, "spec", "target", "template", "type"); kind != "" {
		secret["type"] = kind
	}
	return w.applySecret(ctx, "externalsecrets.external-secrets.io/"+object.GetName(), secret)
}

// stored is what a store holds for a key of a Secret, in base64: the API server reads log-ins to registries.
func stored(key, source string) string {
	value := "value-" + digest(source)[:12]
	if key == ".dockerconfigjson" {
		value = fmt.Sprintf(`{"auths":{"registry.example":{"username":"robot","password":%q}}}`, value)
	}
	return base64.StdEncoding.EncodeToString([]byte(value))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
