#pragma once

#include <stdint.h>

/// Heap allocations this thread has made since it began: malloc, calloc, realloc and their aligned forms.
uint64_t allocation_count(void);

/// The same of all threads together, also of those that have ended.
uint64_t allocation_count_all(void);
