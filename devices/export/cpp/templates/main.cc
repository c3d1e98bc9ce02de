// Runs the golden samples through the network and compares the answers.
// Prints PASS or FAIL and returns 0 or 1.
//
// Output goes through MicroPrintf: a build with TF_LITE_STRIP_ERROR_STRINGS
// prints nothing, and only the returned value tells.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "arena.h"
#include "golden.h"
#include "labels.h"
#include "model.h"
#include "op_resolver.h"
#include "quantization.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

#if !defined(TF_LITE_STATIC_MEMORY)
#error "Define TF_LITE_STATIC_MEMORY, as the library was built: it changes the layout of TfLiteTensor."
#endif

namespace {

using tinyfront::InputType;
using tinyfront::OutputType;
using tinyfront::kOutputElements;

alignas(16) std::uint8_t tensor_arena[tinyfront::kTensorArenaSize];

bool Equal(OutputType answer, OutputType golden) {
  if (std::is_floating_point<OutputType>::value) {
    const float difference = static_cast<float>(answer) - static_cast<float>(golden);
    return difference <= tinyfront::kGoldenTolerance && -difference <= tinyfront::kGoldenTolerance;
  }
  return std::memcmp(&answer, &golden, sizeof(OutputType)) == 0;
}

std::size_t CountDifferences(const OutputType* answers, std::size_t sample) {
  std::size_t differences = 0;
  for (std::size_t i = 0; i < kOutputElements; ++i) {
    differences += Equal(answers[i], tinyfront::kGoldenOutputs[sample][i]) ? 0 : 1;
  }
  return differences;
}

const char* LabelOf(const OutputType* answers) {
  if (tinyfront::kLabelCount != kOutputElements) {
    return "(no label)";
  }
  std::size_t largest = 0;
  for (std::size_t i = 1; i < kOutputElements; ++i) {
    largest = answers[i] > answers[largest] ? i : largest;
  }
  return tinyfront::kLabels[largest];
}

bool PortsMatch(tflite::MicroInterpreter& interpreter) {
  return interpreter.inputs_size() == 1 && interpreter.outputs_size() == 1 &&
         interpreter.input(0)->bytes == sizeof(tinyfront::kGoldenInputs[0]) &&
         interpreter.output(0)->bytes == sizeof(tinyfront::kGoldenOutputs[0]);
}

const char* TrueLabel(std::size_t sample) {
  const int index = tinyfront::kGoldenLabels[sample];
  const bool known = index >= 0 && static_cast<std::size_t>(index) < tinyfront::kLabelCount;
  return known ? tinyfront::kLabels[index] : "not known";
}

// Whether golden sample number `sample` gives its golden answer.
bool Run(tflite::MicroInterpreter& interpreter, std::size_t sample) {
  if (sample > 0 && interpreter.Reset() != kTfLiteOk) {
    MicroPrintf("FAIL: the interpreter cannot be reset.");
    return false;
  }
  std::memcpy(interpreter.input(0)->data.raw, tinyfront::kGoldenInputs[sample], sizeof(tinyfront::kGoldenInputs[0]));
  if (interpreter.Invoke() != kTfLiteOk) {
    MicroPrintf("FAIL: sample %d cannot be run.", static_cast<int>(sample));
    return false;
  }
  OutputType answers[kOutputElements];
  std::memcpy(answers, interpreter.output(0)->data.raw, sizeof(answers));
  const std::size_t differences = CountDifferences(answers, sample);
  MicroPrintf("sample %d: %s (true class: %s), %d of %d values differ", static_cast<int>(sample), LabelOf(answers),
              TrueLabel(sample), static_cast<int>(differences), static_cast<int>(kOutputElements));
  return differences == 0;
}

}  // namespace

int main() {
  tflite::InitializeTarget();
  const unsigned char* content = tinyfront::LoadModel();
  if (content == nullptr) {
    MicroPrintf("FAIL: the model cannot be unpacked.");
    return 1;
  }
  const tflite::Model* model = tflite::GetModel(content);
  if (model->version() != TFLITE_SCHEMA_VERSION) {
    MicroPrintf("FAIL: the model has schema version %d, the interpreter %d.", static_cast<int>(model->version()),
                TFLITE_SCHEMA_VERSION);
    return 1;
  }
  tinyfront::OpResolver resolver;
  if (tinyfront::RegisterOperators(resolver) != kTfLiteOk) {
    MicroPrintf("FAIL: an operator cannot be registered.");
    return 1;
  }
  tflite::MicroAllocator* allocator = tflite::MicroAllocator::Create(tensor_arena, tinyfront::kTensorArenaSize);
  tflite::MicroResourceVariables* variables = nullptr;
  if (tinyfront::kResourceVariables > 0) {
    variables = tflite::MicroResourceVariables::Create(allocator, tinyfront::kResourceVariables);
  }
  tflite::MicroInterpreter interpreter(model, resolver, allocator, variables);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    MicroPrintf("FAIL: %d bytes of arena do not do.", static_cast<int>(tinyfront::kTensorArenaSize));
    return 1;
  }
  MicroPrintf("arena: %d of %d bytes used", static_cast<int>(interpreter.arena_used_bytes()),
              static_cast<int>(tinyfront::kTensorArenaSize));
  if (!PortsMatch(interpreter)) {
    MicroPrintf("FAIL: the input or output differs from the golden samples.");
    return 1;
  }
  bool passed = true;
  for (std::size_t sample = 0; sample < tinyfront::kGoldenCount; ++sample) {
    passed = Run(interpreter, sample) && passed;
  }
  MicroPrintf(passed ? "PASS" : "FAIL");
  return passed ? 0 : 1;
}
