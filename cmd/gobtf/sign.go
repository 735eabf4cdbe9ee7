package main

import (
	"os"

	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
)

// The options with which modules are signed anew, of -J, add, rebase and batch.
var (
	signKeyOption  = argp.Option{Long: "sign_key", Arg: argp.Required, Value: "FILE", Help: "sign modules with the private key in `FILE` (PEM or DER; KBUILD_SIGN_PIN has the passphrase), in place of an old signature"}
	signCertOption = argp.Option{Long: "sign_cert", Arg: argp.Required, Value: "FILE", Help: "the key's certificate is in `FILE`, PEM or DER (default: in the key's own)"}
	signHashOption = argp.Option{Long: "sign_hash", Arg: argp.Required, Value: "HASH", Help: "sign with `HASH`: sha256 (unless told), sha384 or sha512"}
	signOption     = argp.Option{Long: "sign", Arg: argp.Required, Value: "WHOSE", Help: "sign with the key that `WHOSE` has on this machine: dkms"}
)

// asked is what signer asks a command line.
type asked interface {
	Has(string) bool
	String(string) string
}

// signer reads what modules shall be signed with. It is nil when no option asks for it.
func signer(c asked) (*module.Signer, error) {
	k := module.Keys{Key: c.String("sign_key"), Cert: c.String("sign_cert"), Hash: c.String("sign_hash"), PIN: os.Getenv("KBUILD_SIGN_PIN")}
	whose := c.String("sign")
	switch {
	case whose != "" && whose != "dkms":
		return nil, usagef("--sign: %q is not dkms", whose)
	case whose != "" && (k.Key != "" || k.Cert != ""):
		return nil, usagef("--sign=%s has a key of its own: leave out --sign_key and --sign_cert", whose)
	case whose != "":
		own, err := module.DKMSKeys("/")
		if err != nil {
			return nil, err
		}
		k.Key, k.Cert = own.Key, own.Cert
	case k.Key == "" && (k.Cert != "" || c.Has("sign_hash")):
		return nil, usagef("--sign_cert and --sign_hash belong to --sign_key")
	case k.Key == "":
		return nil, nil
	}
	return module.NewSigner(k)
}
