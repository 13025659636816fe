package main

// Where the CRDs of each project are, and modules that are read for other files of theirs.

var crdSources = map[string]crdSource{
	"gateway-api": {
		module: "sigs.k8s.io/gateway-api", version: "v1.5.1",
		sum:   "h1:RqVRIlkhLhUO8wOHKTLnTJA6o/1un4po4/6M1nRzdd0=",
		files: []string{"config/crd/standard/*.yaml", "config/crd/experimental/gateway.networking.k8s.io_tcproutes.yaml", "config/crd/experimental/gateway.networking.k8s.io_udproutes.yaml"},
	},
	"traefik": {
		module: "github.com/traefik/traefik/v3", version: "v3.7.9",
		sum:   "h1:RxOqG3Wtvl1F5yCDr2ZxAg21YU3QCh/m0tae3Su4BZ8=",
		files: []string{"docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml"},
	},
	"cert-manager": {
		module: "github.com/cert-manager/cert-manager", version: "v1.21.1",
		sum:   "h1:0LttV37Q5c2CBNoHkjuI8sLKTXWZDC2SwQkxrBMKV9w=",
		files: []string{"deploy/crds/*.yaml"},
	},
	"external-secrets": {
		module: "github.com/external-secrets/external-secrets", version: "v1.3.2",
		sum:   "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
		files: []string{"config/crds/bases/*.yaml"},
	},
	"keda": {
		module: "github.com/kedacore/keda/v2", version: "v2.20.2",
		sum:   "h1:SR60v8uIcelbveS8n/1jcl8tLdBBIbHMxmdOHw8tKqA=",
		files: []string{"config/crd/bases/*.yaml"},
	},
	"flagger": {
		module: "github.com/fluxcd/flagger", version: "v1.44.0",
		sum:   "h1:JAb2mE3AAO5Y/JkfHy6xbFDPDPk9lGvqXwmtztNbdhw=",
		files: []string{"artifacts/flagger/crd.yaml"},
	},
	"network-policy-api": {
		module: "sigs.k8s.io/network-policy-api", version: "v0.2.0",
		sum:   "h1:W/f0Y9VoeQdOWjX/h2gZyLH6gZ5LLEXmh/9wy9mQWKw=",
		files: []string{"config/crd/standard/*.yaml"},
	},
	"prometheus-operator": {
		module: "github.com/prometheus-operator/prometheus-operator", version: "v0.93.0",
		sum:   "h1:AohlYJT+En8TmNpAcEUJ3GsaJTAqfEBwHmGTVpRm/Io=",
		files: []string{"example/prometheus-operator-crd/*.yaml"},
	},
	"tekton-pipeline": {
		module: "github.com/tektoncd/pipeline", version: "v1.15.0",
		sum:   "h1:ZGboFUaEdpYurZWqeGT5rn9e6qmomGL/gLSKhHp2vvQ=",
		files: []string{"config/300-crds/*.yaml"},
	},
	"tekton-triggers": {
		module: "github.com/tektoncd/triggers", version: "v0.37.0",
		sum:   "h1:xXljDsLAtV2rvXXp9yF4MQwWDJiRs/aUcTtApx1uBBw=",
		files: []string{"config/300-*.yaml"},
	},
	"jenkins": {
		module: "github.com/jenkinsci/kubernetes-operator", version: "v0.8.1",
		sum:   "h1:AiKWq0ix/mQz7v1r06AUi8jkekQlHp9ChlC0caXYNRg=",
		files: []string{"config/crd/bases/*.yaml"},
	},
	"kubeflow-trainer": {
		module: "github.com/kubeflow/trainer/v2", version: "v2.3.0",
		sum:   "h1:Je+e7zvTLzB4qW09J1fB7pZrqvPtWuGng2NqdN5p5QU=",
		files: []string{"manifests/base/crds/*.yaml"},
	},
	"training-operator": {
		module: "github.com/kubeflow/training-operator", version: "v1.9.4",
		sum:   "h1:MjYXzeaHGBmF47BlhCo6+Mb7ypHrVfO6vsys1ZHF56A=",
		files: []string{"manifests/base/crds/*.yaml"},
	},
	"kserve": {
		module: "github.com/kserve/kserve", version: "v0.20.0",
		sum:   "h1:Bs7HxmGV4KFqqptDcWseKv+mwD4YOYHJWcuVgPG2Gug=",
		files: []string{"config/crd/full/*.yaml", "config/crd/full/llmisvc/serving*.yaml", "config/crd/full/localmodel/serving*.yaml", "config/crd/full/clusterstoragecontainer/serving*.yaml"},
	},
	"inference-extension": {
		module: "sigs.k8s.io/gateway-api-inference-extension", version: "v1.6.0",
		sum:   "h1:cjtwMJYcTnLXBYE5ffR1/hHhn7U1aIFfe2RITYmOXVA=",
		files: []string{"config/crd/bases/*.yaml"},
	},
	"kueue": {
		module: "sigs.k8s.io/kueue", version: "v0.19.2",
		sum:   "h1:mPNzr37u0nwI7ikST5QQl5gg6EgtYOAvC9ZbTgywdN8=",
		files: []string{"config/components/crd/bases/*.yaml"},
	},
	"jobset": {
		module: "sigs.k8s.io/jobset", version: "v0.12.0",
		sum:   "h1:YYPuV0px8Ongq/RXmJg6V0w2UC67aiR+rCMD06vhQQQ=",
		files: []string{"config/components/crd/bases/*.yaml"},
	},
	"node-feature-discovery": {
		module: "sigs.k8s.io/node-feature-discovery", version: "v0.19.0",
		sum:   "h1:9CYm16vjSIbNO5Z1Y67rcrfy51YWmy3+6wjiWzJbrC4=",
		files: []string{"deployment/base/nfd-crds/*.yaml"},
	},
	"nvidia-dra": {
		module: "sigs.k8s.io/dra-driver-nvidia-gpu", version: "v0.4.1",
		sum:   "h1:up4wTyW4UxLDB8I+pDOhQ1+F3Ol2f/qHgN4v6vlcPEc=",
		files: []string{"deployments/helm/dra-driver-nvidia-gpu/crds/*.yaml"},
	},
	"argo-rollouts": {
		module: "github.com/argoproj/argo-rollouts", version: "v1.9.1",
		sum:   "h1:+oZciUkeJYVb1vPMOhat4JQlk525j/aT2yizEkVkjLs=",
		files: []string{"manifests/crds/*-crd.yaml"},
	},
	"alloy": {
		module: "github.com/grafana/alloy", version: "v1.18.1",
		sum:   "h1:Gqi9fwoqbkzPv66uynM1/kbh5qdm/x7p6Hn7FpD9LHE=",
		files: []string{"operations/helm/charts/alloy/charts/crds/crds/*.yaml"},
	},
}

// exampleSources are modules without CRDs that are read for other files: snapshots of statuses.
var exampleSources = map[string]crdSource{
	"argo-cd": {
		module: "github.com/argoproj/argo-cd/v3", version: "v3.5.1",
		sum: "h1:jtwPLEFX9mNj3jSq88ugFcScGnOZVs2DWaXFuZxrRT8=",
	},
}
