// Cache: tables of an op by their configuration, made at its first call.
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

namespace singerprint {

// Tables by key, made once; beyond `capacity` it starts anew. Callers share ownership: it may forget them meanwhile.
template <class Key, class Value>
class Cache {
 public:
  explicit Cache(std::size_t capacity) : capacity_(capacity) {}
  template <class Make>
  std::shared_ptr<const Value> get(const Key& key, Make make) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = values_.find(key);
    if (found != values_.end()) return found->second;
    if (values_.size() >= capacity_) values_.clear();
    return values_.emplace(key, make()).first->second;
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Value>> values_;
};

}  // namespace singerprint
