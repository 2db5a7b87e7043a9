// Tells ThreadSanitizer what Swift's Mutex does where it has to wait. The waiting is in the toolchain's library, which is
// not built with the sanitizer: to it, what one thread did under the lock and the next one does there is a race. The way
// without waiting is compiled into the program and needs no help. Preloaded by scripts/sanitize into programs whose
// sanitizer finds the two functions below; in others they are absent and nothing changes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *mutex

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

// Synchronization._MutexHandle._lockSlow(Swift.UInt32) and _unlockSlow().
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void hub_mutex_lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void hub_mutex_unlock(SELF) __asm__(UNLOCK);

typedef SWIFT void (*lock_function)(uint32_t thread, SELF);
typedef SWIFT void (*unlock_function)(SELF);

static void *next(const char *name, void **known) {
  void *found = __atomic_load_n(known, __ATOMIC_RELAXED);
  if (!found) {
    found = dlsym(RTLD_NEXT, name);
    __atomic_store_n(known, found, __ATOMIC_RELAXED);
  }
  return found;
}

SWIFT void hub_mutex_lock(uint32_t thread, SELF) {
  static void *known;
  ((lock_function)next(LOCK, &known))(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void hub_mutex_unlock(SELF) {
  static void *known;
  if (__tsan_release) __tsan_release(mutex);
  ((unlock_function)next(UNLOCK, &known))(mutex);
}
