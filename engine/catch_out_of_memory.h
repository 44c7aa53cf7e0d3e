#include "mvcc/catch_out_of_memory.h"  // Moved; this line goes.
