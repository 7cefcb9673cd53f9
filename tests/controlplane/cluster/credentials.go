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
	authority         []byte
	servingCert       string
	servingKey        string
	serviceAccountKey string
	authorityFile     string
	tokenFile         string
	tokens            map[string]string
}

// newCredentials writes everything into directory, readable by its owner alone.
func newCredentials(directory string) (*credentials, error) {
	made := &credentials{
		servingCert:       filepath.Join(directory, "serving.crt"),
		servingKey:        filepath.Join(directory, "serving.key"),
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

// certify makes an authority and the API server's certificate.
func (c *credentials) certify() error {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := certificate(1, "gennaker-test-authority")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	c.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	servingKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serving := certificate(2, "kube-apiserver")
	serving.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	serving.DNSNames = []string{"localhost", "kubernetes.default.svc"}
	serving.KeyUsage = x509.KeyUsageDigitalSignature
	serving.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	signed, err = x509.CreateCertificate(rand.Reader, serving, authority, servingKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	if err := os.WriteFile(c.servingCert, encoded, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(c.authorityFile, c.authority, 0o600); err != nil {
		return err
	}
	return writeKey(c.servingKey, servingKey)
}

func certificate(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(7 * 24 * time.Hour),
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
