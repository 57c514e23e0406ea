"""An independent reading of the planning problem: instances in plain NumPy, their LP for HiGHS, and a judge of answers."""
