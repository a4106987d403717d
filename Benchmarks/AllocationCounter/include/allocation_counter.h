#pragma once

#include <stdint.h>

/// Heap allocations this thread has made since it began: malloc, calloc, realloc and their aligned forms.
uint64_t allocation_count(void);
