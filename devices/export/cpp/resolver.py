"""``op_resolver.h``: the operators of the network and no others."""

from __future__ import annotations

from devices.export.cpp.kernels import BUILTIN_METHODS, CUSTOM_METHODS, TYPED, Typed
from devices.export.records import ExportError
from devices.graph import DType, Graph, Operator

_CONTROL_FLOW = frozenset({"IF", "WHILE", "CALL_ONCE"})


def registrations(graph: Graph) -> tuple[str, ...]:
    """Calls such as ``AddConv2D(tflite::Register_CONV_2D_INT8())``, one per operator name, sorted by name.

    Raises
    ------
    ExportError
        Where TensorFlow Lite Micro has no kernel for an operator, or where an
        operator runs further subgraphs.
    """
    by_name: dict[str, list[Operator]] = {}
    for operator in graph.operators:
        by_name.setdefault(operator.name, []).append(operator)
    return tuple(_registration(graph, name, by_name[name]) for name in sorted(by_name))


def headers(graph: Graph) -> tuple[str, ...]:
    """Headers beyond the resolver's own that `registrations` needs, sorted."""
    used = {name: operators_named(graph, name) for name in {operator.name for operator in graph.operators} & set(TYPED)}
    needed = {TYPED[name].header for name, uses in used.items() if _suffix(graph, TYPED[name], uses)}
    return tuple(sorted(needed - {""}))


def operators_named(graph: Graph, name: str) -> list[Operator]:
    """Every use of operator `name`, in execution order."""
    return [operator for operator in graph.operators if operator.name == name]


def _registration(graph: Graph, name: str, uses: list[Operator]) -> str:
    if name in _CONTROL_FLOW:
        raise ExportError(
            f"operator {name} runs subgraphs, whose operators target 'cpp' does not list; export target 'tflite' "
            "and register the operators by hand"
        )
    methods = CUSTOM_METHODS if uses[0].is_custom else BUILTIN_METHODS
    if name not in methods:
        raise ExportError(
            f"operator {name!r} has no kernel in TensorFlow Lite Micro; draw networks from a space without it, or "
            "export target 'tflite' for a runtime that has one"
        )
    suffix = _suffix(graph, TYPED[name], uses) if name in TYPED else ""
    return f"{methods[name]}({f'tflite::Register_{name}_{suffix}()' if suffix else ''})"


def _suffix(graph: Graph, typed: Typed, uses: list[Operator]) -> str:
    """The one suffix that covers every use; ``""`` for the registration with all types."""
    suffixes = {typed.suffixes.get(_types(graph, typed, operator), "") for operator in uses}
    return suffixes.pop() if len(suffixes) == 1 else ""


def _types(graph: Graph, typed: Typed, operator: Operator) -> tuple[DType, ...]:
    inputs = (graph.tensor(operator, position) for position in typed.inputs)
    return (*(tensor.dtype for tensor in inputs if tensor is not None), graph.output(operator).dtype)
