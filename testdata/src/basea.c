/* What a module finds in the kernel's BTF (A), and the module (B): found again, changed, forward, doubled. */
typedef unsigned int u32;
typedef u32 myid_t;
#if defined A
struct kobj { struct kobj *parent; u32 refs; char name[2][4]; };
struct ops { int (*open)(struct kobj *k, myid_t id); void (*close)(struct kobj *k); };
struct fwd_in_base;
struct uses { struct fwd_in_base *f; } uses;
struct dup { int a; } d; union kv { u32 a; long b; } kv;
enum state { ST_A, ST_B = 4 } st; enum fwdenum; struct fe { enum fwdenum *e; } fe;
struct changed { int old; } chg;
struct kobj root; struct ops ops;
const char *const kname = "k";
int register_ops(struct ops *o, struct kobj *k) { return o->open(k, 1); }
int vari(const char *f, ...) { return *f; }
float flt;
__attribute__((section(".data..percpu"))) int base_pcpu = 1;
#else
struct kobj { struct kobj *parent; u32 refs; char name[2][4]; };
struct ops { int (*open)(struct kobj *k, myid_t id); void (*close)(struct kobj *k); };
struct fwd_in_base { int now_defined; };
struct dup { long a; }; union kv { u32 a; long b; };
enum state { ST_A, ST_B = 4 }; enum fwdenum { FE_NOW = 3 };
struct changed { long fresh; };
struct uses { struct fwd_in_base *f; };
struct modonly { struct kobj k; struct ops *o; struct fwd_in_base *f; struct dup d; union kv kv; enum state st; enum fwdenum fe; struct changed c; myid_t ids[3][2]; const char *const *n; struct uses us; };
extern int register_ops(struct ops *o, struct kobj *k);
struct modonly m;
__attribute__((section(".data..percpu"))) int mod_pcpu;
static int open_it(struct kobj *k, myid_t id) { return k->refs + id; }
static void close_it(struct kobj *k) { k->refs--; }
struct ops mops = { open_it, close_it };
int init(void) { return open_it(&m.k, 3); }
int vari(const char *f, ...) { return *f; }
#endif
