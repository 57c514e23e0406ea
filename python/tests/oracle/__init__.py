"""An independent reading of the planning problem: instances in NumPy, their LP for HiGHS, and a judge of answers."""
