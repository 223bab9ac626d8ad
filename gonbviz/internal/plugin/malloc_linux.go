//go:build cgo && !noxla && (amd64 || arm64)

package plugin

/*
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>

// XLA takes one block for a pass's maps, and its convolutions take some for weights in another order, and gives all of
// it back after the pass. Where that is large, the C library's malloc asks the system for it each time, and the system
// fills it with zeros page by page: a third of the time of a batch. So memory that was given back stays with the
// process, up to 2 GB. Blocks above 64 MB only the first arena can hold, so there are but two for all threads; with one,
// those that compile would wait for each other. It must be said before any thread has chosen its arena, so before Go's
// own start. Who set malloc by the environment has the say.
__attribute__((constructor)) static void keep_memory(void) {
#ifdef __GLIBC__
	if (getenv("GLIBC_TUNABLES") || getenv("MALLOC_ARENA_MAX") || getenv("MALLOC_MMAP_MAX_") || getenv("MALLOC_TRIM_THRESHOLD_"))
		return;
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}
*/
import "C"
