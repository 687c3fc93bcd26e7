// One function of BYTES bytes, which moves those behind it. Compiled in several sizes.
#include "base.h"

#define NAME_OF(number) padding_##number
#define NAME(number) NAME_OF(number)
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

extern "C" KEEP void NAME(NUMBER)() { asm volatile(".space " TEXT(BYTES)); }
