package refit

import "testing"

// Kernels take a module whose vermagic is theirs, and where both have modversions one of another release.
func TestMagic(t *testing.T) {
	for _, c := range []struct {
		module, kernel string
		same           bool
	}{
		{"6.12.1 SMP preempt mod_unload ", "6.12.1 SMP preempt mod_unload", true},
		{"6.12.1 SMP preempt mod_unload", "6.12.2 SMP preempt mod_unload", false},
		{"6.12.1 SMP mod_unload modversions", "6.12.2 SMP mod_unload modversions", true},
		{"6.12.1 SMP mod_unload modversions", "6.12.1 SMP mod_unload modversions", true},
		{"6.12.1 SMP mod_unload modversions", "6.12.2 SMP mod_unload", false},
		{"6.12.1 SMP mod_unload", "6.12.1 SMP mod_unload modversions", false},
		{"6.12.1 SMP preempt_rt mod_unload modversions", "6.12.2 SMP preempt mod_unload modversions", false},
		{"6.12.1 SMP", "", true},
	} {
		if why := magicDiffers(c.module, c.kernel); (why == "") != c.same {
			t.Errorf("%q on %q: %q", c.module, c.kernel, why)
		}
	}
}
