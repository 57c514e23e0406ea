"""The optimum of a small instance, by HiGHS: what a certificate is held against."""

import check
import highspy
import numpy as np
import scipy.sparse as sp


def optimum(instance: dict, seconds: float) -> float | None:
    """The optimum with soft floors, by HiGHS; None if it did not finish."""
    ends, weight = instance["ptr"], check.weights(instance)
    n, opportunities, campaigns = weight.size, ends.size - 1, instance["cap"].size
    member = instance["group"]
    row = np.repeat(np.arange(opportunities), np.diff(ends))
    # Columns: x, deliveries, shortfalls, the total.
    width = n + 2 * campaigns + 1
    d, short = n + np.arange(campaigns), n + campaigns + np.arange(campaigns)
    parts, low, high = [], [], []

    def add(data: np.ndarray, rows: np.ndarray, columns: np.ndarray, least: np.ndarray, most: np.ndarray) -> None:
        parts.append(sp.csr_matrix((data, (rows, columns)), (least.size, width)))
        low.append(least)
        high.append(most)

    one, infinite = np.ones(campaigns), np.full(campaigns, np.inf)
    add(np.ones(n), row, np.arange(n), np.full(opportunities, -np.inf), instance["slots"].astype(float))
    add(np.concatenate([weight, -one]), np.concatenate([instance["camp"], np.arange(campaigns)]),
        np.concatenate([np.arange(n), d]), 0 * one, 0 * one)  # fmt: skip
    add(np.concatenate([one, [-1]]), np.zeros(campaigns + 1, int), np.append(d, width - 1), np.zeros(1), np.zeros(1))
    every = np.arange(campaigns)
    add(
        np.concatenate([one, one]),
        np.concatenate([every, every]),
        np.concatenate([d, short]),
        instance["floor"],
        infinite,
    )
    for bound, least, most in [(instance["ghi"], -np.inf, 0.0), (instance["glo"], 0.0, np.inf)]:
        for g in np.flatnonzero((bound < 1) & (bound > 0)):
            mine = np.flatnonzero(member == g)
            add(np.append(np.ones(mine.size), -bound[g]), np.zeros(mine.size + 1, int), np.append(d[mine], width - 1),
                np.array([least]), np.array([most]))  # fmt: skip
    if instance["budget"][0] < check.UNBOUNDED:
        add(instance["loss"] * weight, np.zeros(n, int), np.arange(n), np.array([-np.inf]), instance["budget"])
    matrix = sp.vstack(parts, format="csc")
    value = instance["val"].astype(float) * weight
    # HiGHS works to absolute tolerances: the objective is brought near 1.
    unit = max(np.abs(value).mean(), 1e-300)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = np.concatenate([-value, 0 * one, check.floor_penalty(instance) * one, [0]]) / unit
    model.col_lower_ = np.zeros(width)
    model.col_upper_ = np.concatenate([np.ones(n), np.minimum(instance["cap"], 1e30), infinite, [np.inf]])
    model.row_lower_, model.row_upper_ = np.concatenate(low), np.concatenate(high)
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", seconds)
    solver.passModel(model)
    solver.run()
    if solver.modelStatusToString(solver.getModelStatus()) != "Optimal":
        return None
    return -solver.getInfo().objective_function_value * unit
