"""What is measured, a file a part: each has `measure(bench)`, which answers with a `figures.Part`, and `bench` has the
stand, the plan, the peers that can be had and `say`.
"""
