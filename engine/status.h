#include "mvcc/status.h"  // Moved; this line goes.
