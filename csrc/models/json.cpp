#include "models/json.h"

#include <charconv>
#include <stdexcept>

namespace singerprint {
namespace {

constexpr int kDeepest = 32;  // objects in objects: a damaged file must not exhaust the stack

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  JsonValue document() {
    JsonValue value = next(0);
    skip_space();
    if (at_ != text_.size()) fail();
    return value;
  }

 private:
  [[noreturn]] void fail() const { throw std::runtime_error("no JSON at byte " + std::to_string(at_)); }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  bool take(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) fail();
  }

  JsonValue next(int depth) {
    if (depth > kDeepest) fail();
    if (take("{")) return object(depth);
    if (take("[")) return array(depth);
    if (take("\"")) return {string()};
    if (take("true")) return {true};
    if (take("false")) return {false};
    if (take("null")) return {nullptr};
    return {number()};
  }

  JsonValue object(int depth) {
    JsonValue::Object members;
    if (take("}")) return {members};
    do {
      expect("\"");
      const std::string key = string();
      expect(":");
      members.insert_or_assign(key, next(depth + 1));
    } while (take(","));
    expect("}");
    return {members};
  }

  JsonValue array(int depth) {
    JsonValue::Array values;
    if (take("]")) return {values};
    do {
      values.push_back(next(depth + 1));
    } while (take(","));
    expect("]");
    return {values};
  }

  std::string string() {
    constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    std::string result;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') return ++at_, result;
      if (text_[at_] != '\\') {
        result += text_[at_];
        continue;
      }
      const std::size_t escape = ++at_ < text_.size() ? kEscapes.find(text_[at_]) : std::string_view::npos;
      if (escape == std::string_view::npos) fail();
      result += kMeanings[escape];
    }
    fail();
  }

  double number() {
    double result = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), result);
    if (error != std::errc()) fail();
    at_ = static_cast<std::size_t>(end - text_.data());
    return result;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

template <class Kind>
const Kind& of_kind(const JsonValue& value, std::string_view name, const char* kind) {
  if (const Kind* const found = std::get_if<Kind>(&value.value)) return *found;
  throw std::runtime_error(std::string(name) + " must be " + kind);
}

}  // namespace

bool JsonValue::boolean(std::string_view name) const { return of_kind<bool>(*this, name, "true or false"); }
double JsonValue::number(std::string_view name) const { return of_kind<double>(*this, name, "a number"); }
const std::string& JsonValue::string(std::string_view name) const {
  return of_kind<std::string>(*this, name, "a string");
}
const JsonValue::Array& JsonValue::array(std::string_view name) const {
  return of_kind<Array>(*this, name, "an array");
}
const JsonValue::Object& JsonValue::object(std::string_view name) const {
  return of_kind<Object>(*this, name, "an object");
}

JsonValue parse_json(std::string_view text) { return Parser(text).document(); }

}  // namespace singerprint
