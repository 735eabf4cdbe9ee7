package module

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smallstep/pkcs7"

	"github.com/gobtf/gobtf/internal/elfx"
)

func signData(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/sign", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// derKey writes the key of a PEM file as DER.
func derKey(t *testing.T, name string) string {
	t.Helper()
	b, _ := pem.Decode(signData(t, name))
	path := filepath.Join(t.TempDir(), "key.der")
	if err := os.WriteFile(path, b.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSignFile compares with what the kernel's sign-file wrote with the same RSA key, whose signatures have nothing random in them.
func TestSignFile(t *testing.T) {
	contents := signData(t, "contents")
	both := filepath.Join(t.TempDir(), "both.pem") // as certs/signing_key.pem of a kernel build
	if err := os.WriteFile(both, append(signData(t, "rsa.key"), signData(t, "rsa.pem")...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]Keys{
		"PEM":       {Key: "testdata/sign/rsa.key", Cert: "testdata/sign/rsa.pem"},
		"DER":       {Key: derKey(t, "rsa.key"), Cert: "testdata/sign/rsa.der"},
		"one file":  {Key: both},
		"encrypted": {Key: "testdata/sign/rsa-encrypted.key", Cert: "testdata/sign/rsa.pem", PIN: "hunter"},
		"both DER":  {Key: derKey(t, "rsa-encrypted.key"), Cert: "testdata/sign/rsa.der", PIN: "hunter"},
	} {
		for _, hash := range []string{"sha256", "sha384", "sha512", ""} {
			k.Hash = hash
			s, err := NewSigner(k)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := s.Func()(contents)
			if err != nil {
				t.Fatal(err)
			}
			if hash == "" {
				hash = "sha256"
			}
			if want := signData(t, "contents."+hash); !bytes.Equal(append(bytes.Clone(contents), got...), want) {
				t.Errorf("%s, %s: not what sign-file writes", name, hash)
			}
		}
	}
}

// TestSignECDSA: no two ECDSA signatures are the same, so they are checked.
func TestSignECDSA(t *testing.T) {
	s, err := NewSigner(Keys{Key: "testdata/sign/ec.key", Cert: "testdata/sign/ec.pem", Hash: "sha384"})
	if err != nil {
		t.Fatal(err)
	}
	contents := signData(t, "contents")
	tail, err := s.Sign(contents)
	if err != nil {
		t.Fatal(err)
	}
	head, ok := bytes.CutSuffix(tail, []byte(elfx.SignatureMark))
	if !ok || int(binary.BigEndian.Uint32(head[len(head)-4:])) != len(head)-12 {
		t.Fatalf("ends with % x", tail[max(0, len(tail)-44):])
	}
	check := func(contents []byte) error {
		p, err := pkcs7.Parse(head[:len(head)-12])
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Certificates) != 0 {
			t.Error("the certificate is in it")
		}
		p.Certificates, p.Content = append(p.Certificates, s.cert), contents
		return p.Verify()
	}
	if err := check(contents); err != nil {
		t.Error(err)
	}
	if check([]byte("something else")) == nil {
		t.Error("it also holds for something else")
	}
}

func TestNewSignerErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rsaKey, rsaCert := "testdata/sign/rsa.key", "testdata/sign/rsa.pem"
	old := file("old.key", []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	for _, c := range []struct {
		keys Keys
		want string
	}{
		{Keys{Key: rsaKey, Cert: rsaCert, Hash: "sha1"}, `"sha1" is not sha256, sha384 or sha512`},
		{Keys{Key: "pkcs11:token=x", Cert: rsaCert}, "pkcs11:token=x: keys on PKCS #11 tokens are not supported"},
		{Keys{Key: rsaKey, Cert: "pkcs11:token=x"}, "pkcs11:token=x: keys on PKCS #11 tokens are not supported"},
		{Keys{Key: dir + "/none", Cert: rsaCert}, "open " + dir + "/none: no such file"},
		{Keys{Key: rsaKey, Cert: dir + "/none"}, "open " + dir + "/none: no such file"},
		{Keys{Key: rsaKey}, rsaKey + ": has no certificate"},
		{Keys{Key: rsaCert, Cert: rsaCert}, rsaCert + ": has no private key"},
		{Keys{Key: rsaKey, Cert: "testdata/sign/ec.pem"}, "testdata/sign/ec.pem: is not the certificate of the key " + rsaKey},
		{Keys{Key: "testdata/sign/rsa-encrypted.key", Cert: rsaCert}, "the key is encrypted: give its passphrase in KBUILD_SIGN_PIN"},
		{Keys{Key: "testdata/sign/rsa-encrypted.key", Cert: rsaCert, PIN: "fisher"}, "the passphrase in KBUILD_SIGN_PIN does not open the key"},
		{Keys{Key: derKey(t, "rsa-encrypted.key"), Cert: rsaCert}, "if it is encrypted, give its passphrase in KBUILD_SIGN_PIN"},
		{Keys{Key: old, Cert: rsaCert}, old + ": the key is encrypted in OpenSSL's old way"},
		{Keys{Key: file("bad.key", []byte("0 no DER")), Cert: rsaCert}, "bad.key: is not a private key of a known form"},
		{Keys{Key: rsaKey, Cert: file("bad.der", []byte("0 no DER"))}, "bad.der: is not an X.509 certificate"},
	} {
		if _, err := NewSigner(c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.keys, err)
		}
	}
}

func TestDKMSKeys(t *testing.T) {
	root := t.TempDir()
	if _, err := DKMSKeys(root); err == nil || !strings.Contains(err.Error(), "generate_mok") {
		t.Errorf("without keys: %v", err)
	}
	put := func(name, data string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("var/lib/shim-signed/mok/MOK.priv", "")
	put("var/lib/shim-signed/mok/MOK.der", "")
	if k, err := DKMSKeys(root); err != nil || k.Key != root+"/var/lib/shim-signed/mok/MOK.priv" || k.Cert != root+"/var/lib/shim-signed/mok/MOK.der" {
		t.Errorf("%+v, %v", k, err)
	}
	put("var/lib/dkms/mok.key", "")
	put("var/lib/dkms/mok.pub", "")
	if k, err := DKMSKeys(root); err != nil || k.Key != root+"/var/lib/dkms/mok.key" || k.Cert != root+"/var/lib/dkms/mok.pub" {
		t.Errorf("%+v, %v", k, err)
	}
	put("etc/own.key", "")
	put("etc/own.der", "")
	put("etc/dkms/framework.conf", "# mok_signing_key=/no\nmok_signing_key=\"/etc/own.key\"\nmok_certificate=$dir/x\n")
	put("etc/dkms/framework.conf.d/b.conf", " mok_certificate=/etc/own.der\n")
	put("etc/dkms/framework.conf.d/a.conf", "mok_certificate=/etc/none\n")
	if k, err := DKMSKeys(root); err != nil || k.Key != root+"/etc/own.key" || k.Cert != root+"/etc/own.der" {
		t.Errorf("%+v, %v", k, err)
	}
}
