package main

// Volumes and load balancer addresses: what a cloud or a storage driver would provide.

import (
	"context"
	"fmt"
	"hash/fnv"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	claimResource  = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	volumeResource = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}
)

var coreSimulators = []simulator{
	{"volumes", claimResource, "PersistentVolumeClaim", provisionVolume},
	{"volumes", volumeResource, "PersistentVolume", reclaimVolume},
	{"load-balancers", serviceResource, "Service", assignAddress},
}

// provisionVolume makes the volume that the volume controller asked for; the controller binds it.
func provisionVolume(ctx context.Context, w *world, claim *unstructured.Unstructured, wish wish) (outcome, error) {
	annotations := claim.GetAnnotations()
	if annotations["volume.kubernetes.io/storage-provisioner"] != provisioner || text(claim.Object, "spec", "volumeName") != "" {
		return outcome{}, nil
	}
	if wish != healthy {
		return outcome{}, nil
	}
	// The scheduler has chosen no node yet for a class that waits for the first pod.
	class, err := w.clients.typed.StorageV1().StorageClasses().Get(ctx, text(claim.Object, "spec", "storageClassName"), meta.GetOptions{})
	if err != nil {
		return outcome{}, err
	}
	if string(*class.VolumeBindingMode) == "WaitForFirstConsumer" && annotations["volume.kubernetes.io/selected-node"] == "" {
		return outcome{}, nil
	}
	volume := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{
			"name":        "pvc-" + string(claim.GetUID()),
			"annotations": map[string]any{"pv.kubernetes.io/provisioned-by": provisioner},
		},
		"spec": map[string]any{
			"capacity":                      map[string]any{"storage": text(claim.Object, "spec", "resources", "requests", "storage")},
			"accessModes":                   claim.Object["spec"].(map[string]any)["accessModes"],
			"volumeMode":                    orElse(text(claim.Object, "spec", "volumeMode"), "Filesystem"),
			"storageClassName":              class.Name,
			"persistentVolumeReclaimPolicy": "Delete",
			"hostPath":                      map[string]any{"path": "/testbed/" + string(claim.GetUID())},
			"claimRef": map[string]any{
				"apiVersion": "v1", "kind": "PersistentVolumeClaim",
				"namespace": claim.GetNamespace(), "name": claim.GetName(), "uid": string(claim.GetUID()),
			},
		},
	}}
	_, err = w.clients.dynamic.Resource(volumeResource).Create(ctx, volume, meta.CreateOptions{FieldManager: "testbed-volumes"})
	return outcome{}, ignoreExists(err)
}

// reclaimVolume deletes a volume whose claim is gone.
func reclaimVolume(ctx context.Context, w *world, volume *unstructured.Unstructured, _ wish) (outcome, error) {
	ours := volume.GetAnnotations()["pv.kubernetes.io/provisioned-by"] == provisioner
	if !ours || text(volume.Object, "status", "phase") != "Released" {
		return outcome{}, nil
	}
	return outcome{}, w.clients.dynamic.Resource(volumeResource).Delete(ctx, volume.GetName(), meta.DeleteOptions{})
}

// assignAddress gives a LoadBalancer Service an address of the documentation range.
func assignAddress(_ context.Context, _ *world, service *unstructured.Unstructured, wish wish) (outcome, error) {
	if text(service.Object, "spec", "type") != "LoadBalancer" || wish != healthy {
		return outcome{}, nil
	}
	if len(list(service.Object, "status", "loadBalancer", "ingress")) > 0 {
		return outcome{}, nil
	}
	address := []any{map[string]any{"ip": addressFor(service), "ipMode": "VIP"}}
	return outcome{status: map[string]any{"loadBalancer": map[string]any{"ingress": address}}}, nil
}

func addressFor(object *unstructured.Unstructured) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(object.GetUID()))
	return fmt.Sprintf("203.0.113.%d", 1+hash.Sum32()%254)
}
