/* Enums without enumerators: forwards that any enum of the name takes over, the last one wins; the kind does not matter. */
#ifdef A
enum f; struct a { enum f *p; } a;
#elif defined B
enum f { FB = 2 }; struct b { enum f *p; enum f v; } b;
#elif defined C
enum f { FC = 1ull << 40 }; struct c { enum f *p; enum f v; } c;
#elif defined D
enum f; struct d { enum f *p; } d; struct a { enum f *p; } a;
#endif
