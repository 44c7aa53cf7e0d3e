// Everything of Firn's public interface. Start reading at firn/db.h.
#ifndef FIRN_FIRN_H_
#define FIRN_FIRN_H_

#include "firn/db.h"
#include "firn/iterator.h"
#include "firn/listener.h"
#include "firn/options.h"
#include "firn/snapshot.h"
#include "firn/stats.h"
#include "firn/status.h"
#include "firn/types.h"
#include "firn/version.h"
#include "firn/write_batch.h"

#endif  // FIRN_FIRN_H_
