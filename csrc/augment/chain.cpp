#include "augment/chain.h"

#include <cmath>
#include <utility>

#include "core/check.h"
#include "core/cuda.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

// Takes the arguments from the lists, in order.
class ChainArguments {
 public:
  ChainArguments(at::TensorList tensors, at::ArrayRef<double> numbers, const c10::List<std::string>& words)
      : tensors_(tensors), numbers_(numbers), words_(words) {}

  c10::IValue next(c10::TypeKind kind) {
    switch (kind) {
      case c10::TypeKind::TensorType:
        return from("tensors", tensors_, taken_tensors_);
      case c10::TypeKind::IntType:
      case c10::TypeKind::SymIntType:
        return static_cast<std::int64_t>(whole(from("numbers", numbers_, taken_numbers_)));
      case c10::TypeKind::BoolType:
        return whole(from("numbers", numbers_, taken_numbers_)) != 0.0;
      case c10::TypeKind::FloatType:
        return from("numbers", numbers_, taken_numbers_);
      case c10::TypeKind::StringType:
        return from("words", words_, taken_words_);
      default:
        TORCH_CHECK_VALUE(false, "chain: ops must take tensors, numbers and words, got ", c10::typeKindToString(kind));
    }
  }
  void check_all_taken() const {
    check("tensors", tensors_.size(), taken_tensors_);
    check("numbers", numbers_.size(), taken_numbers_);
    check("words", words_.size(), taken_words_);
  }

 private:
  template <class List>
  static typename List::value_type from(const char* name, const List& list, std::size_t& taken) {
    TORCH_CHECK_VALUE(taken < list.size(), "chain: ", name, " must be as many as the ops take, got ", list.size());
    return list[static_cast<typename List::size_type>(taken++)];
  }
  static double whole(double number) {
    constexpr double kLargest = 9007199254740992.0;  // 2^53; NaN is beyond it too
    TORCH_CHECK_VALUE(std::fabs(number) <= kLargest && number == std::floor(number),
                      "chain: numbers must be whole where an op takes integers, got ", number);
    return number;
  }
  static void check(const char* name, std::size_t size, std::size_t taken) {
    TORCH_CHECK_VALUE(size == taken, "chain: ", name, " must be as many as the ops take, ", taken, ", got ", size);
  }
  at::TensorList tensors_;
  at::ArrayRef<double> numbers_;
  const c10::List<std::string>& words_;
  std::size_t taken_tensors_ = 0, taken_numbers_ = 0, taken_words_ = 0;
};

at::Tensor run(const std::vector<ChainLink>& links, at::Tensor waveforms) {
  for (const ChainLink& link : links) {
    torch::jit::Stack stack{std::move(waveforms)};
    stack.insert(stack.end(), link.arguments.begin(), link.arguments.end());
    link.op.callBoxed(stack);
    waveforms = stack.front().toTensor();
  }
  return waveforms;
}

// The links with every tensor changed.
template <class Change>
std::vector<ChainLink> changed(std::vector<ChainLink> links, Change change) {
  for (ChainLink& link : links) {
    for (c10::IValue& argument : link.arguments) {
      if (argument.isTensor()) argument = change(argument.toTensor());
    }
  }
  return links;
}

std::vector<ChainLink> links_of_clip(const std::vector<ChainLink>& links, std::int64_t b, std::int64_t batch) {
  return changed(links, [&](const at::Tensor& tensor) {
    return tensor.dim() > 0 && tensor.size(0) == batch ? tensor.narrow(0, b, 1) : tensor;
  });
}

// Of the result, by the ops' Meta kernels.
at::Tensor allocate(const std::vector<ChainLink>& links, const at::Tensor& waveforms) {
  const auto shape_alone = [](const at::Tensor& tensor) {
    return at::empty(tensor.sizes(), tensor.options().device(at::kMeta));
  };
  const at::Tensor shape = run(changed(links, shape_alone), shape_alone(waveforms));
  return at::empty(shape.sizes(), waveforms.options().dtype(shape.scalar_type()));
}

at::Tensor chain_clip_by_clip(const at::Tensor& waveforms, c10::List<std::string> ops, at::TensorList tensors,
                              at::ArrayRef<double> numbers, c10::List<std::string> words) {
  check_real_waveforms("chain", waveforms);
  const std::vector<ChainLink> links = chain_links(ops, tensors, numbers, words);
  const std::int64_t batch = waveforms.size(0);
  at::Tensor result = allocate(links, waveforms);
  at::parallel_for(0, batch, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::AutoDispatchBelowADInplaceOrView guard;  // other threads do not inherit it
    for (std::int64_t b = begin; b < end; ++b) {
      result.narrow(0, b, 1).copy_(run(links_of_clip(links, b, batch), waveforms.narrow(0, b, 1)));
    }
  });
  return result;
}

at::Tensor chain_of_batches(const at::Tensor& waveforms, c10::List<std::string> ops, at::TensorList tensors,
                            at::ArrayRef<double> numbers, c10::List<std::string> words) {
  check_real_waveforms("chain", waveforms);
  const at::Tensor result = run(chain_links(ops, tensors, numbers, words), waveforms);
  return result.is_same(waveforms) ? result.clone() : result;
}

}  // namespace

std::vector<ChainLink> chain_links(const c10::List<std::string>& ops, at::TensorList tensors,
                                   at::ArrayRef<double> numbers, const c10::List<std::string>& words) {
  ChainArguments given(tensors, numbers, words);
  std::vector<ChainLink> links;
  for (const std::string& name : ops) {
    const auto op = c10::Dispatcher::singleton().findSchema({"singerprint::" + name, ""});
    TORCH_CHECK_VALUE(op.has_value(), "chain: ops must be ops of singerprint, got ", name);
    ChainLink link{*op, {}};
    const auto &arguments = op->schema().arguments(), &returns = op->schema().returns();
    TORCH_CHECK_VALUE(!arguments.empty() && arguments[0].name() == "waveforms" && returns.size() == 1 &&
                          returns[0].type()->kind() == c10::TypeKind::TensorType,
                      "chain: ops must take waveforms and return one tensor, got ", name);
    for (std::size_t i = 1; i < arguments.size(); ++i)
      link.arguments.push_back(given.next(arguments[i].type()->kind()));
    links.push_back(std::move(link));
  }
  given.check_all_taken();
  return links;
}

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("chain(Tensor waveforms, str[] ops, Tensor[] tensors, float[] numbers, str[] words) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("chain", &chain_clip_by_clip); }
TORCH_LIBRARY_IMPL(singerprint, CUDA, library) { library.impl("chain", &chain_of_batches); }
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("chain", &chain_of_batches); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("chain", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace singerprint
