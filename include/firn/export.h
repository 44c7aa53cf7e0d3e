// FIRN_EXPORT marks what libfirn shows; everything else in it is hidden.
#ifndef FIRN_EXPORT_H_
#define FIRN_EXPORT_H_

#if defined(FIRN_STATIC)  // Set by the build of a static libfirn, for its users too.
#define FIRN_EXPORT
#else
#define FIRN_EXPORT __attribute__((visibility("default")))
#endif

#endif  // FIRN_EXPORT_H_
