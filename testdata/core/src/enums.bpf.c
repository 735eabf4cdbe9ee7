/* Values of enums: there, and what they are. */
#include "core.h"
enum pid_type { PIDTYPE_PID = 7, PIDTYPE_TGID };
enum bpf_map_type { BPF_MAP_TYPE_ARRAY = 3, BPF_MAP_TYPE_NEVER = 1000 };
enum zone_type___x { ZONE_NORMAL = 99 };
SEC("kprobe/a") long a(void *c)
{
	return HAS_VALUE(enum pid_type, PIDTYPE_TGID) + VALUE(enum pid_type, PIDTYPE_PID) + HAS_VALUE(enum bpf_map_type, BPF_MAP_TYPE_NEVER) +
		VALUE(enum bpf_map_type, BPF_MAP_TYPE_ARRAY) + VALUE(enum zone_type___x, ZONE_NORMAL);
}
