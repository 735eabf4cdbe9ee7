package encoder_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	ebtf "github.com/cilium/ebpf/btf"

	"github.com/gobtf/gobtf/encoder"
)

// kernelLoads hands a BTF to the running kernel (BPF_BTF_LOAD). It skips where that says nothing on the BTF: no
// permission, or no bpf system call.
func kernelLoads(t *testing.T, data []byte) error {
	t.Helper()
	h, err := ebtf.NewHandleFromRawBTF(data)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) {
		t.Skipf("no BPF_BTF_LOAD here: %v", err)
	}
	if err != nil {
		return err
	}
	return h.Close()
}

// TestLoadProbe asks for a BTF that the kernel must refuse: a load test that cannot fail shows here.
func TestLoadProbe(t *testing.T) {
	if err := kernelLoads(t, []byte("this is no BTF, and it is longer than a header")); err == nil {
		t.Error("the kernel takes what is no BTF")
	}
}

// TestGoldensReadable has cilium/ebpf read every golden output.
func TestGoldensReadable(t *testing.T) {
	paths := goldens(t)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, on, split := strings.Cut(path, ".on."); split {
			base := readSpec(t, filepath.Join(testdata, "golden", on))
			_, err = ebtf.LoadSplitSpecFromReader(bytes.NewReader(data), base)
		} else {
			_, err = ebtf.LoadSpecFromReader(bytes.NewReader(data))
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestGoldensBpftool has bpftool, and with it libbpf, read every golden output.
func TestGoldensBpftool(t *testing.T) {
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		if bpftool = "/usr/sbin/bpftool"; !executable(bpftool) {
			t.Skip("no bpftool here")
		}
	}
	if testing.Short() {
		t.Skip("one process for each golden")
	}
	for _, path := range goldens(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			args := []string{"btf", "dump", "file", path}
			if _, on, split := strings.Cut(path, ".on."); split {
				args = append([]string{"-B", filepath.Join(testdata, "golden", on)}, args...)
			}
			if data, err := os.ReadFile(path); err != nil || len(data) <= 25 {
				t.Skipf("there is nothing to read: %d bytes, %v", len(data), err)
			}
			out, err := exec.Command(bpftool, args...).CombinedOutput()
			if err != nil || !bytes.HasPrefix(out, []byte("[")) {
				t.Errorf("bpftool %s: %v: %s", strings.Join(args, " "), err, firstOf(string(out)))
			}
		})
	}
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode()&0o111 != 0
}

func firstOf(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// refused are fixtures whose output, the same bytes as the reference's, a kernel does not take (seen on 6.18), and its
// words for it. Not every set of flags of such a fixture is refused, and a newer kernel may take more.
var refused = map[string]string{
	"vlamember_o1":  "Member bits_offset exceeds its struct size",
	"vlamember":     "Member bits_offset exceeds its struct size",
	"memberexpr_d2": "Member bits_offset exceeds its struct size",
	"memberexpr":    "Member bits_offset exceeds its struct size",
	"attrforms":     "Member bits_offset exceeds its struct size",
	"adaplain":      "Invalid elem",
	"badname":       "Invalid offset",
	"cxx":           "Invalid name",
	"cxx_d4":        "Invalid name",
	"keys":          "Invalid arg#1",
	"keys_rel":      "Invalid arg#1",
	"langs":         "Invalid name",
	"oddtypes":      "Member exceeds struct_size",
	"oddtypes5":     "Member exceeds struct_size",
	"rust":          "Invalid name",
	"rustmix":       "Invalid name",
	"unspec":        "Invalid elem",
	"zeroaddr":      "Invalid offset",
	"zeroaddr_rel":  "Invalid offset",
}

// TestGoldensLoad has the running kernel verify every golden that a kernel of this byte order and word size may be given.
func TestGoldensLoad(t *testing.T) {
	for _, path := range goldens(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		if strings.Contains(name, ".on.") || data[0] != 0x9f || strings.Contains(name, "_i386") || strings.Contains(name, "_arm.") || strings.Contains(name, "_arm_") || strings.Contains(name, "riscv32") {
			continue // split, big endian, 32 bits
		}
		t.Run(name, func(t *testing.T) {
			fixture, _, _ := strings.Cut(name, ".")
			err := kernelLoads(t, data)
			if why := refused[fixture]; err != nil && (why == "" || !strings.Contains(err.Error(), why)) {
				t.Errorf("the kernel refuses it: %v", err)
			}
		})
	}
}

// TestVmlinuxLoads encodes the kernel that GOBTF_VMLINUX names and has the running one verify the result.
func TestVmlinuxLoads(t *testing.T) {
	path := os.Getenv("GOBTF_VMLINUX")
	if path == "" {
		t.Skip("GOBTF_VMLINUX names no vmlinux with DWARF")
	}
	features, unknown := encoder.ParseFeatures("default")
	if len(unknown) > 0 {
		t.Fatalf("unknown features %q", unknown)
	}
	res, err := encoder.EncodeFiles(context.Background(), []string{path}, encoder.Options{Features: features})
	if err != nil {
		t.Fatal(err)
	}
	if err := kernelLoads(t, res.BTF); err != nil {
		t.Errorf("the kernel refuses it: %v", err)
	}
}

func goldens(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testdata, "golden", "*.btf"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	return paths
}

func readSpec(t *testing.T, path string) *ebtf.Spec {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ebtf.LoadSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return spec
}
