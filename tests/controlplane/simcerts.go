package main

// cert-manager: issuers, and certificates with a real key pair in their Secret.

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const certificatesGroup = "cert-manager.io"

var (
	issuerResource        = schema.GroupVersionResource{Group: certificatesGroup, Version: "v1", Resource: "issuers"}
	clusterIssuerResource = schema.GroupVersionResource{Group: certificatesGroup, Version: "v1", Resource: "clusterissuers"}
)

var certificateSimulators = []simulator{
	{"cert-manager", issuerResource, "Issuer", readyIssuer},
	{"cert-manager", clusterIssuerResource, "ClusterIssuer", readyIssuer},
	{"cert-manager", schema.GroupVersionResource{Group: certificatesGroup, Version: "v1", Resource: "certificates"}, "Certificate", issueCertificate},
}

func readyIssuer(_ context.Context, _ *world, issuer *unstructured.Unstructured, wish wish) (outcome, error) {
	one := condition("Ready", "True", "IsReady", "Issuer is ready")
	switch wish {
	case pending:
		return outcome{}, nil
	case failing:
		one = condition("Ready", "False", "ErrInitIssuer", "The account could not be registered")
	}
	return outcome{status: map[string]any{"conditions": at(issuer.GetGeneration(), one)}}, nil
}

func issueCertificate(ctx context.Context, w *world, object *unstructured.Unstructured, wish wish) (outcome, error) {
	generation := object.GetGeneration()
	if wish == failing {
		failed := at(generation, condition("Ready", "False", "Failed", "The certificate request has failed"),
			condition("Issuing", "False", "Failed", "The order was refused"))
		return outcome{status: map[string]any{"conditions": failed, "failedIssuanceAttempts": int64(1)}}, nil
	}
	if wish == pending || !signs(w, object) {
		waiting := at(generation, condition("Ready", "False", "DoesNotExist", "Issuing certificate as Secret does not exist"),
			condition("Issuing", "True", "DoesNotExist", "Issuing certificate as Secret does not exist"))
		return outcome{status: map[string]any{"conditions": waiting}, retry: wish != pending}, nil
	}
	issued, err := w.keyPair(ctx, object)
	if err != nil {
		return outcome{}, err
	}
	lifetime := issued.NotAfter.Sub(issued.NotBefore)
	return outcome{status: map[string]any{
		"conditions":  at(generation, condition("Ready", "True", "Ready", "Certificate is up to date and has not expired")),
		"notBefore":   issued.NotBefore.UTC().Format(time.RFC3339),
		"notAfter":    issued.NotAfter.UTC().Format(time.RFC3339),
		"renewalTime": issued.NotAfter.Add(-lifetime / 3).UTC().Format(time.RFC3339),
		"revision":    int64(1), "failedIssuanceAttempts": nil,
	}}, nil
}

// signs says whether the issuer of a certificate is ready. One of another group is another program's, and
// always is.
func signs(w *world, object *unstructured.Unstructured) bool {
	if group := text(object.Object, "spec", "issuerRef", "group"); group != "" && group != certificatesGroup {
		return true
	}
	issuer := issuerOf(w, object)
	return issuer != nil && conditionOf(issuer, "Ready") == "True"
}

func issuerOf(w *world, object *unstructured.Unstructured) *unstructured.Unstructured {
	name := text(object.Object, "spec", "issuerRef", "name")
	if text(object.Object, "spec", "issuerRef", "kind") == "ClusterIssuer" {
		return w.get(clusterIssuerResource, name)
	}
	return w.get(issuerResource, object.GetNamespace()+"/"+name)
}

// keyPair returns the certificate in the Secret of the object, issuing one where there is none.
func (w *world) keyPair(ctx context.Context, object *unstructured.Unstructured) (*x509.Certificate, error) {
	name := text(object.Object, "spec", "secretName")
	secret, err := w.clients.typed.CoreV1().Secrets(object.GetNamespace()).Get(ctx, name, meta.GetOptions{})
	if err == nil {
		if found := parseCertificate(secret.Data["tls.crt"]); found != nil {
			return found, nil
		}
	} else if !apierrors.IsNotFound(err) {
		return nil, err
	}
	ca, err := newAuthority("testbed")
	if err != nil {
		return nil, err
	}
	hosts, _, _ := unstructured.NestedStringSlice(object.Object, "spec", "dnsNames")
	issued, err := ca.issue(object.GetName(), nil, hosts...)
	if err != nil {
		return nil, err
	}
	encode := base64.StdEncoding.EncodeToString
	err = w.applySecret(ctx, "cert-manager-certificates-issuing", map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
		"metadata": map[string]any{
			"name": name, "namespace": object.GetNamespace(),
			"annotations": map[string]any{"cert-manager.io/certificate-name": object.GetName()},
			"labels":      map[string]any{"controller.cert-manager.io/fao": "true"},
		},
		"data": map[string]any{"tls.crt": encode(issued.cert), "tls.key": encode(issued.key), "ca.crt": encode(ca.pem)},
	})
	if err != nil {
		return nil, err
	}
	found := parseCertificate(issued.cert)
	if found == nil {
		return nil, fmt.Errorf("the certificate of %s cannot be read back", object.GetName())
	}
	return found, nil
}

func parseCertificate(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	found, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return found
}
