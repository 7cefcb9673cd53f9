// This file makes the keys, certificates and tokens of one short-lived control plane.
package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// users may do everything; each has its own name so that the audit log tells them apart.
var users = []string{tester, "kube-controller-manager", "kube-scheduler", "nodes"}

// tester is who the command under test is, and the only one whose requests the audit log holds.
const tester = "tester"

// credentials are the files that the API server and its clients are started with.
type credentials struct {
	authority []byte
	// serving is the API server's, kubeletClient what it shows to the nodes, nodes what they serve with.
	serving           pair
	kubeletClient     pair
	nodes             pair
	serviceAccountKey string
	authorityFile     string
	tokenFile         string
	tokens            map[string]string
}

// pair is where a certificate and its key are.
type pair struct {
	certificate string
	key         string
}

func pairIn(directory, name string) pair {
	return pair{filepath.Join(directory, name+".crt"), filepath.Join(directory, name+".key")}
}

// newCredentials writes everything into directory, readable by its owner alone.
func newCredentials(directory string) (*credentials, error) {
	made := &credentials{
		serving:           pairIn(directory, "serving"),
		kubeletClient:     pairIn(directory, "kubelet-client"),
		nodes:             pairIn(directory, "nodes"),
		serviceAccountKey: filepath.Join(directory, "service-account.key"),
		authorityFile:     filepath.Join(directory, "authority.crt"),
		tokenFile:         filepath.Join(directory, "tokens.csv"),
		tokens:            map[string]string{},
	}
	if err := made.certify(); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	serviceAccount, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := writeKey(made.serviceAccountKey, serviceAccount); err != nil {
		return nil, err
	}
	return made, made.writeTokens()
}

// certify makes an authority, and by it a certificate for each that serves or must be known.
func (c *credentials) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := certificate(1, "gennaker-test-authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	// What it certifies may be for either end of a connection.
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageCertSign, nil
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	c.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	if err := os.WriteFile(c.authorityFile, c.authority, 0o600); err != nil {
		return err
	}
	by := authority{template, key}
	serving := certificate(2, "kube-apiserver")
	serving.DNSNames = []string{"localhost", "kubernetes.default.svc"}
	client := certificate(3, "kube-apiserver-kubelet-client")
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for made, template := range map[pair]*x509.Certificate{
		c.serving: serving, c.kubeletClient: client, c.nodes: certificate(4, "nodes"),
	} {
		if err := by.sign(made, template); err != nil {
			return err
		}
	}
	return nil
}

// authority is who certifies everybody.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func (a authority) sign(made pair, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	if err := os.WriteFile(made.certificate, encoded, 0o600); err != nil {
		return err
	}
	return writeKey(made.key, key)
}

// certificate is one for a server on loopback.
func certificate(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(7 * 24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	block := &pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded}
	return os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
}

// writeTokens draws a token for each user and writes the API server's list of them.
func (c *credentials) writeTokens() error {
	var lines strings.Builder
	for _, user := range users {
		drawn := make([]byte, 16)
		if _, err := rand.Read(drawn); err != nil {
			return err
		}
		c.tokens[user] = hex.EncodeToString(drawn)
		fmt.Fprintf(&lines, "%s,%s,%s,\"system:masters\"\n", c.tokens[user], user, user)
	}
	return os.WriteFile(c.tokenFile, []byte(lines.String()), 0o600)
}
