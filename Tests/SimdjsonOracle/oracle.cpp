#include "simdjson_oracle.h"
