#define PRODUCER "clang version 19.1.0"
#include "regs.S"
