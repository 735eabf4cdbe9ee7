package module

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/smallstep/pkcs7"
	"github.com/youmark/pkcs8"

	"github.com/gobtf/gobtf/internal/elfx"
)

// Signer signs modules as the kernel's scripts/sign-file does. It may be used by many goroutines at once.
type Signer struct {
	key    crypto.Signer
	cert   *x509.Certificate
	digest asn1.ObjectIdentifier
}

// Keys say what a module is signed with.
type Keys struct {
	Key  string // a file with the private key, PEM or DER (PKCS #8, PKCS #1 or SEC 1)
	Cert string // a file with its certificate, PEM or DER; "" is the key's own file
	Hash string // sha256, sha384 or sha512; "" is sha256
	PIN  string // the passphrase of a key that is encrypted
}

// digests are the hashes that the kernel's sign-file and Go both know, by sign-file's names.
var digests = map[string]asn1.ObjectIdentifier{
	"sha256": pkcs7.OIDDigestAlgorithmSHA256,
	"sha384": pkcs7.OIDDigestAlgorithmSHA384,
	"sha512": pkcs7.OIDDigestAlgorithmSHA512,
}

// NewSigner reads a key and its certificate. Its errors name the file.
func NewSigner(k Keys) (*Signer, error) {
	if k.Hash == "" {
		k.Hash = "sha256"
	}
	s := &Signer{digest: digests[k.Hash]}
	if s.digest == nil {
		return nil, fmt.Errorf("%q is not sha256, sha384 or sha512", k.Hash)
	}
	if k.Cert == "" {
		k.Cert = k.Key
	}
	for _, path := range []string{k.Key, k.Cert} {
		if strings.HasPrefix(path, "pkcs11:") {
			return nil, fmt.Errorf("%s: keys on PKCS #11 tokens are not supported: sign with the kernel's scripts/sign-file", path)
		}
	}
	data, err := os.ReadFile(k.Key)
	if err != nil {
		return nil, err
	}
	if s.key, err = readKey(data, k.PIN); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Key, err)
	}
	if k.Cert != k.Key {
		if data, err = os.ReadFile(k.Cert); err != nil {
			return nil, err
		}
	}
	if s.cert, err = readCert(data); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Cert, err)
	}
	if public, ok := s.key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(s.cert.PublicKey) {
		return nil, fmt.Errorf("%s: is not the certificate of the key %s", k.Cert, k.Key)
	}
	return s, nil
}

// blocks returns the contents of a PEM file's blocks whose type ends in suffix, or the whole file where it is DER.
func blocks(data []byte, suffix string) (list []*pem.Block) {
	if bytes.HasPrefix(data, []byte{0x30}) { // a SEQUENCE
		return []*pem.Block{{Bytes: data}}
	}
	for b, rest := pem.Decode(data); b != nil; b, rest = pem.Decode(rest) {
		if strings.HasSuffix(b.Type, suffix) {
			list = append(list, b)
		}
	}
	return list
}

func readKey(data []byte, pin string) (crypto.Signer, error) {
	list := blocks(data, "PRIVATE KEY")
	if len(list) == 0 {
		return nil, errors.New("has no private key, in PEM or DER")
	}
	b := list[0]
	if strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, errors.New("the key is encrypted in OpenSSL's old way, which is not safe: write it anew with openssl pkcs8 -topk8")
	}
	if b.Type == "ENCRYPTED PRIVATE KEY" && pin == "" {
		return nil, errors.New("the key is encrypted: give its passphrase in KBUILD_SIGN_PIN")
	}
	if b.Type == "ENCRYPTED PRIVATE KEY" || b.Type == "" && pin != "" {
		if key, err := pkcs8.ParsePKCS8PrivateKey(b.Bytes, []byte(pin)); err == nil {
			return signing(key)
		} else if b.Type != "" {
			return nil, fmt.Errorf("the passphrase in KBUILD_SIGN_PIN does not open the key: %w", err)
		}
	}
	if key, err := x509.ParsePKCS8PrivateKey(b.Bytes); err == nil {
		return signing(key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(b.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(b.Bytes); err == nil {
		return key, nil
	}
	if b.Type == "" && pin == "" {
		return nil, errors.New("is not a private key of a known form; if it is encrypted, give its passphrase in KBUILD_SIGN_PIN")
	}
	return nil, errors.New("is not a private key of a known form (PKCS #8, PKCS #1, SEC 1)")
}

// signing refuses what the kernel cannot check.
func signing(key any) (crypto.Signer, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return nil, errors.New("is an Ed25519 key, which does not sign a digest as modules need it: RSA and ECDSA keys do")
	}
	return nil, fmt.Errorf("is a key of type %T: RSA and ECDSA keys sign modules", key)
}

func readCert(data []byte) (*x509.Certificate, error) {
	list := blocks(data, "CERTIFICATE")
	if len(list) == 0 {
		return nil, errors.New("has no certificate, in PEM or DER")
	}
	cert, err := x509.ParseCertificate(list[0].Bytes)
	if err != nil {
		return nil, fmt.Errorf("is not an X.509 certificate: %w", err)
	}
	return cert, nil
}

// Sign returns what is to stand behind a module's contents: a CMS signature without certificates and attributes (RFC 5652), the 12 bytes
// that say so (struct module_signature of the kernel, PKEY_ID_PKCS7), and the line that marks a signed module.
func (s *Signer) Sign(contents []byte) ([]byte, error) {
	d, err := pkcs7.NewSignedData(contents)
	if err != nil {
		return nil, err
	}
	d.SetDigestAlgorithm(s.digest)
	_, isRSA := s.key.(*rsa.PrivateKey)
	if isRSA {
		d.SetEncryptionAlgorithm(pkcs7.OIDEncryptionAlgorithmRSA) // without the hash in it, as sign-file has it
	}
	if err := d.SignWithoutAttr(s.cert, s.key, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, err
	}
	d.Detach()
	// The library puts the certificate in, which the kernel has, and leaves the NULL out that RSA's identifier ends with (RFC 3370, 3.2).
	inner := d.GetSignedData()
	if isRSA {
		inner.SignerInfos[0].DigestEncryptionAlgorithm.Parameters = asn1.NullRawValue
	}
	der, err := asn1.Marshal(*inner)
	if err != nil {
		return nil, err
	}
	out, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{pkcs7.OIDSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}})
	if err != nil {
		return nil, err
	}
	const pkcs7ID = 2
	out = append(binary.BigEndian.AppendUint32(append(out, 0, 0, pkcs7ID, 0, 0, 0, 0, 0), uint32(len(out))), elfx.SignatureMark...)
	return out, nil
}

// Func is Sign, or nil where there is no Signer.
func (s *Signer) Func() func(contents []byte) ([]byte, error) {
	if s == nil {
		return nil
	}
	return s.Sign
}

// DKMSKeys finds the key that DKMS signs with: what its configuration below root (normally "/") says, else /var/lib/dkms/mok.key and
// mok.pub, else those that Ubuntu keeps for all modules of a machine.
func DKMSKeys(root string) (Keys, error) {
	k := Keys{Key: "/var/lib/dkms/mok.key", Cert: "/var/lib/dkms/mok.pub"}
	const ubuntu = "/var/lib/shim-signed/mok/MOK"
	if _, err := os.Stat(filepath.Join(root, k.Key)); err != nil {
		if _, err := os.Stat(filepath.Join(root, ubuntu+".priv")); err == nil {
			k = Keys{Key: ubuntu + ".priv", Cert: ubuntu + ".der"}
		}
	}
	list, _ := filepath.Glob(filepath.Join(root, "etc/dkms/framework.conf.d/*.conf"))
	slices.Sort(list)
	for _, path := range append([]string{filepath.Join(root, "etc/dkms/framework.conf")}, list...) {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			value = strings.Trim(strings.TrimSpace(value), `"'`)
			if strings.Contains(value, "$") || value == "" {
				continue // a shell would know what it is
			}
			switch name {
			case "mok_signing_key":
				k.Key = value
			case "mok_certificate":
				k.Cert = value
			}
		}
	}
	k.Key, k.Cert = filepath.Join(root, k.Key), filepath.Join(root, k.Cert)
	for _, path := range []string{k.Key, k.Cert} {
		if _, err := os.Stat(path); err != nil {
			return k, fmt.Errorf("DKMS has no key here: %w (dkms generate_mok makes one)", err)
		}
	}
	return k, nil
}
