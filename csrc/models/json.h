// JSON values, as far as the files of a model need them (RFC 8259 without \u escapes, which no writer of ours emits).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace singerprint {

struct JsonValue {
  using Array = std::vector<JsonValue>;
  using Object = std::map<std::string, JsonValue>;
  std::variant<std::nullptr_t, bool, double, std::string, Array, Object> value;

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value); }
  // Each throws std::runtime_error where the value is of another kind; `name` says which value that is.
  bool boolean(std::string_view name) const;
  double number(std::string_view name) const;
  const std::string& string(std::string_view name) const;
  const Array& array(std::string_view name) const;
  const Object& object(std::string_view name) const;
};

// Throws std::runtime_error, which says at which byte it is no JSON.
JsonValue parse_json(std::string_view text);

}  // namespace singerprint
