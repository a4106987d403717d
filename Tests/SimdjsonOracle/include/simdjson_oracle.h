#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What simdjson says about a text.
typedef enum { oracle_accepted, oracle_refused, oracle_refused_number } oracle_verdict;

/// Reads a text with simdjson.
///
/// For an accepted text, `trace` is set to the document's values in order, in the notation of the test that compares
/// them, valid until the next call on this thread.
oracle_verdict oracle_read(const uint8_t *text, size_t length, const uint8_t **trace, size_t *trace_length);

#ifdef __cplusplus
}
#endif
