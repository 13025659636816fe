package main

// Certificates of one run: a CA, the server's certificate and one client certificate per identity.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	clientcmd "k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

const certificateLife = 7 * 24 * time.Hour

// authority signs the certificates of one run.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// pair is a certificate and its key in PEM.
type pair struct{ cert, key []byte }

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate(name, nil)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key, pem: block("CERTIFICATE", der)}, nil
}

// issue signs a certificate that is good for clients and servers on loopback, and for `hosts`.
func (a *authority) issue(name string, groups []string, hosts ...string) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template := certificate(name, groups)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = hosts
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{cert: block("CERTIFICATE", der), key: block("EC PRIVATE KEY", keyDER)}, nil
}

func certificate(name string, groups []string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: groups},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(certificateLife),
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// identities are the client certificates that become kubeconfig files of the same name.
var identities = map[string]struct {
	user   string
	groups []string
}{
	"kubeconfig":                    {"admin", []string{"system:masters"}},
	"controller-manager.kubeconfig": {"system:kube-controller-manager", nil},
	"scheduler.kubeconfig":          {"system:kube-scheduler", nil},
	"kwok.kubeconfig":               {"kwok", []string{"system:masters"}},
	"simulators.kubeconfig":         {"testbed-simulators", []string{"system:masters"}},
}

// writeIdentities writes all keys, certificates and kubeconfig files of a run into dir.
func writeIdentities(dir, server string) error {
	ca, err := newAuthority("controlplane")
	if err != nil {
		return fmt.Errorf("make the certificate authority: %w", err)
	}
	serving, err := ca.issue("kube-apiserver", nil, "localhost", "kubernetes.default.svc")
	if err != nil {
		return fmt.Errorf("issue the server certificate: %w", err)
	}
	accounts, err := ca.issue("service-accounts", nil)
	if err != nil {
		return fmt.Errorf("make the service account key: %w", err)
	}
	files := map[string][]byte{
		"ca.crt": ca.pem, "server.crt": serving.cert, "server.key": serving.key, "accounts.key": accounts.key,
	}
	for name, who := range identities {
		client, err := ca.issue(who.user, who.groups)
		if err != nil {
			return fmt.Errorf("issue the certificate of %s: %w", who.user, err)
		}
		if files[name], err = kubeconfig(server, ca.pem, client); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func kubeconfig(server string, ca []byte, client pair) ([]byte, error) {
	config := clientapi.NewConfig()
	config.Clusters["controlplane"] = &clientapi.Cluster{Server: server, CertificateAuthorityData: ca}
	config.AuthInfos["user"] = &clientapi.AuthInfo{ClientCertificateData: client.cert, ClientKeyData: client.key}
	config.Contexts["controlplane"] = &clientapi.Context{Cluster: "controlplane", AuthInfo: "user"}
	config.CurrentContext = "controlplane"
	return clientcmd.Write(*config)
}
