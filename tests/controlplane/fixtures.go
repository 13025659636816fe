package main

// What a fresh cluster of the bed contains: fake nodes, storage classes, the mark of a disposable cluster.

import (
	"context"
	"fmt"

	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	provisioner    = "testbed.kubemate.dev"
	disposableMark = "kubemate-test-disposable"
)

// clients are the two views of one API server, without any limit of their own.
type clients struct {
	typed   kubernetes.Interface
	dynamic dynamic.Interface
}

func clientsOf(kubeconfig string) (clients, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return clients{}, fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	config.QPS = -1
	config.UserAgent = "kubemate-testbed"
	// Remarks about upstream CRDs are nobody's business here.
	config.WarningHandler = rest.NoWarnings{}
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return clients{}, err
	}
	untyped, err := dynamic.NewForConfig(config)
	return clients{typed: typed, dynamic: untyped}, err
}

func createFixtures(ctx context.Context, c clients, nodes int) error {
	for i := range nodes {
		if err := ignoreExists(createNode(ctx, c.typed, i)); err != nil {
			return fmt.Errorf("create a fake node: %w", err)
		}
	}
	for _, class := range storageClasses() {
		_, err := c.typed.StorageV1().StorageClasses().Create(ctx, class, meta.CreateOptions{})
		if err := ignoreExists(err); err != nil {
			return fmt.Errorf("create storage class %s: %w", class.Name, err)
		}
	}
	mark := &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: disposableMark}}
	_, err := c.typed.CoreV1().Namespaces().Create(ctx, mark, meta.CreateOptions{})
	return ignoreExists(err)
}

func createNode(ctx context.Context, client kubernetes.Interface, index int) error {
	name := fmt.Sprintf("node-%d", index)
	capacity := core.ResourceList{
		core.ResourceCPU:              resource.MustParse("64"),
		core.ResourceMemory:           resource.MustParse("256Gi"),
		core.ResourcePods:             resource.MustParse("500"),
		core.ResourceEphemeralStorage: resource.MustParse("1Ti"),
	}
	labels := map[string]string{
		"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		"topology.kubernetes.io/region": "test", "topology.kubernetes.io/zone": fmt.Sprintf("test-%c", 'a'+index%3),
	}
	if index%3 == 0 {
		capacity["nvidia.com/gpu"] = resource.MustParse("8")
		labels["nvidia.com/gpu.present"] = "true"
		labels["nvidia.com/gpu.product"] = "NVIDIA-H100-80GB-HBM3"
		labels["nvidia.com/gpu.memory"] = "81559"
		labels["nvidia.com/gpu.count"] = "8"
	}
	node := &core.Node{
		ObjectMeta: meta.ObjectMeta{Name: name, Labels: labels},
		Status:     core.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
	_, err := client.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{})
	return err
}

// storageClasses: `standard` and `fast` provision at once, `ssd` waits for the first pod.
func storageClasses() []*storage.StorageClass {
	class := func(name string, mode storage.VolumeBindingMode) *storage.StorageClass {
		expand, reclaim := true, core.PersistentVolumeReclaimDelete
		return &storage.StorageClass{
			ObjectMeta:           meta.ObjectMeta{Name: name},
			Provisioner:          provisioner,
			VolumeBindingMode:    &mode,
			ReclaimPolicy:        &reclaim,
			AllowVolumeExpansion: &expand,
		}
	}
	standard := class("standard", storage.VolumeBindingImmediate)
	standard.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	return []*storage.StorageClass{
		standard, class("fast", storage.VolumeBindingImmediate), class("ssd", storage.VolumeBindingWaitForFirstConsumer),
	}
}

func nodesReady(ctx context.Context, client kubernetes.Interface, want int) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for _, node := range nodes.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue && len(node.Spec.Taints) == 0 {
				ready++
			}
		}
	}
	if ready < want {
		return fmt.Errorf("%d of %d fake nodes are ready", ready, want)
	}
	return nil
}

// accountReady shows that the controller manager works: pods are refused before this account exists.
func accountReady(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{})
	return err
}

func ignoreExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
