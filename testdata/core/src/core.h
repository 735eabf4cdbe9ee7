/* What BPF programs use of CO-RE, in clang's builtins. */
#define CORE __attribute__((preserve_access_index))
#define SEC(name) __attribute__((section(name), used))
#define HAS_FIELD(f) __builtin_preserve_field_info(f, 2)
#define FIELD_OFFSET(f) __builtin_preserve_field_info(f, 0)
#define FIELD_SIZE(f) __builtin_preserve_field_info(f, 1)
#define FIELD_SIGNED(f) __builtin_preserve_field_info(f, 3)
#define FIELD_LSHIFT(f) __builtin_preserve_field_info(f, 4)
#define FIELD_RSHIFT(f) __builtin_preserve_field_info(f, 5)
#define LOCAL_ID(t) __builtin_btf_type_id(*(t *)0, 0)
#define TARGET_ID(t) __builtin_btf_type_id(*(t *)0, 1)
#define HAS_TYPE(t) __builtin_preserve_type_info(*(t *)0, 0)
#define TYPE_SIZE(t) __builtin_preserve_type_info(*(t *)0, 1)
#define TYPE_MATCHES(t) __builtin_preserve_type_info(*(t *)0, 2)
#define HAS_VALUE(t, v) __builtin_preserve_enum_value(*(t *)v, 0)
#define VALUE(t, v) __builtin_preserve_enum_value(*(t *)v, 1)
/* Reads a kernel's memory: helper 113. */
static long (*probe_read)(void *dst, unsigned int size, const void *src) = (void *)113;
#define READ(dst, f) probe_read(dst, sizeof(*(dst)), (const void *)__builtin_preserve_access_index(f))
char _license[] SEC("license") = "GPL";
