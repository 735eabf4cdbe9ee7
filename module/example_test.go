package module_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/gobtf/gobtf/module"
)

// A module is signed with a key of one's own. encoder.Options and refit.Options take a Signer, too, and sign what they write.
func ExampleSigner() {
	s, err := module.NewSigner(module.Keys{Key: "testdata/sign/rsa.key", Cert: "testdata/sign/rsa.der", Hash: "sha512"})
	if err != nil {
		log.Fatal(err)
	}
	contents := []byte("all bytes of the module")
	signature, err := s.Sign(contents)
	if err != nil {
		log.Fatal(err)
	}
	signed := append(contents, signature...)
	lines := strings.Split(string(signed), "~")
	fmt.Println(lines[len(lines)-2])
	// Output:
	// Module signature appended
}
