package main

// Upstream CRDs, read from the modules that their projects publish. Only what is asked for is
// downloaded, and each module is checked against the sum that is pinned here.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// crdSource is one upstream project's CRDs.
type crdSource struct {
	module, version, sum string
	files                []string
}

// runCRDs is the `crds` command.
func runCRDs(args []string) error {
	flags := flag.NewFlagSet("controlplane crds", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", os.Getenv("KUBECONFIG"), "cluster to install into")
	install := flags.String("install", "", "groups, separated by commas: "+strings.Join(groupNames(), ", "))
	folders := flags.String("folders", "", "more folders with CRDs, separated by colons; they replace CRDs of the same name")
	_ = flags.Parse(args)
	c, err := clientsOf(*kubeconfig)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	return installCRDs(ctx, c, splitList(*install, ","), splitList(*folders, ":"))
}

func groupNames() []string {
	names := make([]string, 0, len(crdSources))
	for name := range crdSources {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func knownGroups(groups []string) error {
	for _, group := range groups {
		if _, known := crdSources[group]; !known {
			return fmt.Errorf("there is no CRD group %q; there are: %s", group, strings.Join(groupNames(), ", "))
		}
	}
	return nil
}

// installCRDs applies all CRDs of the groups and folders at the same time and waits until they are served.
func installCRDs(ctx context.Context, c clients, groups, folders []string) error {
	objects, err := collectCRDs(ctx, groups, folders)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	slots := make(chan struct{}, 8)
	failures := make([]error, len(objects))
	var all sync.WaitGroup
	for i, object := range objects {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			failures[i] = installCRD(ctx, c, object)
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

func collectCRDs(ctx context.Context, groups, folders []string) ([]*unstructured.Unstructured, error) {
	byName := map[string]*unstructured.Unstructured{}
	add := func(file string) error {
		objects, err := readCRDs(file)
		for _, object := range objects {
			byName[object.GetName()] = object
		}
		return err
	}
	if err := knownGroups(groups); err != nil {
		return nil, err
	}
	for _, group := range groups {
		files, err := crdSources[group].find(ctx)
		if err != nil {
			return nil, fmt.Errorf("CRD group %s: %w", group, err)
		}
		for _, file := range files {
			if err := add(file); err != nil {
				return nil, fmt.Errorf("CRD group %s: %w", group, err)
			}
		}
	}
	for _, folder := range folders {
		files, err := matching(folder, []string{"*.yaml", "*.yml"})
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if err := add(file); err != nil {
				return nil, err
			}
		}
	}
	objects := make([]*unstructured.Unstructured, 0, len(byName))
	for _, object := range byName {
		objects = append(objects, object)
	}
	return objects, nil
}

// find returns the files of a source, downloading its module where it is not there yet.
func (s crdSource) find(ctx context.Context) ([]string, error) {
	dir, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	return matching(dir, s.files)
}

// directory returns where the module of a source lies, downloading it where it is not there yet.
func (s crdSource) directory(ctx context.Context) (string, error) {
	away, err := os.MkdirTemp("", "controlplane-crds-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(away)
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", s.module+"@"+s.version)
	// Outside of any module, so that no module graph is loaded for a few YAML files.
	cmd.Dir = away
	cmd.Env = append(os.Environ(), "GOWORK=off", "GO111MODULE=on")
	text, runErr := cmd.Output()
	var answer struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("download %s@%s: %w", s.module, s.version, errors.Join(runErr, err))
	}
	if answer.Error != "" {
		return "", fmt.Errorf("download %s@%s: %s", s.module, s.version, answer.Error)
	}
	if answer.Sum != s.sum {
		return "", fmt.Errorf("%s@%s has the sum %s, pinned is %s", s.module, s.version, answer.Sum, s.sum)
	}
	return answer.Dir, nil
}

// runModule is the `module` command: it prints where the module of a project lies.
func runModule(args []string) error {
	if len(args) != 1 {
		return errors.New("name one module: " + strings.Join(moduleNames(), ", "))
	}
	source, known := moduleOf(args[0])
	if !known {
		return fmt.Errorf("there is no module %q; there are: %s", args[0], strings.Join(moduleNames(), ", "))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	dir, err := source.directory(ctx)
	if err == nil {
		fmt.Println(dir)
	}
	return err
}

// moduleOf returns a module that is read for its files: one with CRDs, or one with examples alone.
func moduleOf(name string) (crdSource, bool) {
	if source, known := crdSources[name]; known {
		return source, true
	}
	source, known := exampleSources[name]
	return source, known
}

func moduleNames() []string {
	names := groupNames()
	for name := range exampleSources {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func matching(dir string, patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 && len(patterns) == 1 {
			return nil, fmt.Errorf("no file matches %s in %s", pattern, dir)
		}
		files = append(files, found...)
	}
	return files, nil
}

// readCRDs returns the CRDs of a file and passes over everything else in it.
func readCRDs(path string) ([]*unstructured.Unstructured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []*unstructured.Unstructured
	documents := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer documents.Close()
	buffer := make([]byte, len(text)+1)
	for {
		size, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		var object map[string]any
		if err := yaml.Unmarshal(buffer[:size], &object); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if object["kind"] == "CustomResourceDefinition" && object["apiVersion"] == "apiextensions.k8s.io/v1" {
			found = append(found, withoutWebhook(&unstructured.Unstructured{Object: object}))
		}
	}
}

// withoutWebhook takes out what would call a controller that is not there.
func withoutWebhook(object *unstructured.Unstructured) *unstructured.Unstructured {
	unstructured.RemoveNestedField(object.Object, "spec", "conversion")
	unstructured.RemoveNestedField(object.Object, "status")
	return object
}

func installCRD(ctx context.Context, c clients, object *unstructured.Unstructured) error {
	body, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	api := c.dynamic.Resource(crdResource)
	name := object.GetName()
	_, err = api.Patch(ctx, name, types.ApplyPatchType, body, meta.PatchOptions{FieldManager: "testbed", Force: &force})
	if err != nil {
		return fmt.Errorf("install the CRD %s: %w", name, err)
	}
	for {
		live, err := api.Get(ctx, name, meta.GetOptions{})
		if err == nil && conditionOf(live, "Established") == "True" && served(ctx, c, live) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the CRD %s is installed, but not served in time: %v", name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// served shows that the resource answers: Established comes a moment before that.
func served(ctx context.Context, c clients, crd *unstructured.Unstructured) bool {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, entry := range versions {
		version, _ := entry.(map[string]any)
		if name, ok := version["name"].(string); ok && version["served"] == true {
			resource := schema.GroupVersionResource{Group: group, Version: name, Resource: plural}
			_, err := c.dynamic.Resource(resource).List(ctx, meta.ListOptions{Limit: 1})
			return err == nil
		}
	}
	return true
}

// conditionOf returns the status of a condition, or nothing.
func conditionOf(object *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		if condition, ok := entry.(map[string]any); ok && condition["type"] == kind {
			status, _ := condition["status"].(string)
			return status
		}
	}
	return ""
}
