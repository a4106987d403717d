#include "simdjson_oracle.h"

#include <cstring>
#include <simdjson.h>
#include <vector>

namespace {

thread_local std::vector<uint8_t> trace_bytes;

void put(char tag, uint64_t bits) {
    trace_bytes.push_back(static_cast<uint8_t>(tag));
    for (int shift = 0; shift < 64; shift += 8) trace_bytes.push_back(static_cast<uint8_t>(bits >> shift));
}

void put(std::string_view text) {
    put('s', text.size());
    trace_bytes.insert(trace_bytes.end(), text.begin(), text.end());
}

void put(simdjson::dom::element element) {
    using simdjson::dom::element_type;
    switch (element.type()) {
    case element_type::NULL_VALUE: trace_bytes.push_back('n'); break;
    case element_type::BOOL: trace_bytes.push_back(bool(element) ? 't' : 'f'); break;
    case element_type::INT64: put('i', static_cast<uint64_t>(int64_t(element))); break;
    case element_type::UINT64: put('i', uint64_t(element)); break;
    case element_type::DOUBLE: {
        double value = element;
        uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        put('d', bits);
        break;
    }
    case element_type::STRING: put(std::string_view(element)); break;
    case element_type::ARRAY:
        trace_bytes.push_back('[');
        for (simdjson::dom::element child : simdjson::dom::array(element)) put(child);
        trace_bytes.push_back(']');
        break;
    case element_type::OBJECT:
        trace_bytes.push_back('{');
        for (auto member : simdjson::dom::object(element)) {
            put(member.key);
            put(member.value);
        }
        trace_bytes.push_back('}');
        break;
    }
}

} // namespace

oracle_verdict oracle_read(const uint8_t *text, size_t length, const uint8_t **trace, size_t *trace_length) {
    thread_local simdjson::dom::parser parser;
    simdjson::dom::element root;
    auto error = parser.parse(text, length, true).get(root);
    if (error == simdjson::NUMBER_ERROR) return oracle_refused_number;
    if (error) return oracle_refused;
    trace_bytes.clear();
    put(root);
    *trace = trace_bytes.data();
    *trace_length = trace_bytes.size();
    return oracle_accepted;
}
