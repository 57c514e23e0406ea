"""The same scores as a model of ONNX Runtime: memory bound once, one thread, nothing is picked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from instance import MEASURES, REFERENCE, Campaigns, Turn
from onnx import TensorProto, helper, numpy_helper

NODES = [
    helper.make_node("Gather", ["coefficients", "campaign"], ["own"], axis=0),
    helper.make_node("Gather", ["eligible", "campaign"], ["may"], axis=0),
    helper.make_node("Sub", ["reference", "organic"], ["given_up"]),
    helper.make_node("Max", ["given_up", "zero"], ["displacement"]),
    helper.make_node("Unsqueeze", ["displacement", "axis"], ["last"]),
    helper.make_node("Concat", ["exposure", "measures", "last"], ["amounts"], axis=1),
    helper.make_node("Mul", ["own", "amounts"], ["terms"]),
    helper.make_node("ReduceSum", ["terms", "axis"], ["sums"], keepdims=0),
    helper.make_node("Where", ["may", "sums", "zero"], ["scores"]),
]


def session(campaigns: Campaigns, n: int) -> onnxruntime.InferenceSession:
    """The model for `n` candidates."""
    constants = {
        "coefficients": np.ascontiguousarray(campaigns.coefficients),
        "eligible": campaigns.eligible,
        "reference": REFERENCE,
        "zero": np.float32(0),
        "axis": np.array([1]),
        "exposure": np.ones((n, 1), "f4"),
    }
    graph = helper.make_graph(
        NODES,
        "scores",
        [
            helper.make_tensor_value_info("campaign", TensorProto.INT64, [n]),
            helper.make_tensor_value_info("organic", TensorProto.FLOAT, [n]),
            helper.make_tensor_value_info("measures", TensorProto.FLOAT, [n, MEASURES - 1]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [n])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def request(session: onnxruntime.InferenceSession, nobody: int, turn: Turn) -> Callable[[], Any]:
    """One request over bound memory; `nobody` is the row of organic candidates."""
    inputs = {
        "campaign": np.where(turn.campaign < 0, nobody, turn.campaign).astype(np.int64),
        "organic": turn.organic,
        "measures": np.ascontiguousarray(turn.measures[: MEASURES - 1].T),
    }
    binding = session.io_binding()
    for name, value in inputs.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(value))
    out = onnxruntime.OrtValue.ortvalue_from_shape_and_type([turn.organic.size], np.float32, "cpu")
    binding.bind_ortvalue_output("scores", out)

    def job() -> Any:
        session.run_with_iobinding(binding)
        return out

    return job
