/* Which of several enums of one name a forward declaration goes to is the order of the candidate list: newest first, but
   turned round each time the table grows (before insertions 1, 4, 7, 13, 25, 49 ...). FILL types pass between. */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define F1 struct CAT(fill, __COUNTER__) { char x; } CAT(v, __COUNTER__);
#define F3 F1 F1 F1
#define F6 F3 F3
#define F12 F6 F6
#define F24 F12 F12
#ifdef A
enum e { EA = 1 } ea;
#elif defined B
enum e { EB = 2 } eb;
#elif defined C
enum e { EC = 3 } ec;
#elif defined FA
enum { q1 } e1; enum { q2 } e2; enum g3 { q3 } e3;
#elif defined FB
enum { r1 } f1; enum { r2 } f2; enum h3 { r3 } f3; enum h4 { r4 } f4; enum h5 { r5 } f5; enum h6 { r6 } f6; enum h7 { r7 } f7;
#else
enum e;
struct CAT(user, U) { enum e *p; long l; } CAT(u, U);
#endif
