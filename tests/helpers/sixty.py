"""Sixty statements about random networks, half of them subtly false; shared by tests.

True ones were derived by hand (the comment says how); each false one is a true one with a constant off
by a per cent, an index shifted, strict for non-strict, a bias term missing, or an assumption dropped.
"""

from __future__ import annotations

RANGES = "widths=1..1000; depth=1..1000"

TRUE = [
    # The mean: a martingale without biases; each bias adds half its variance.
    ("E[M[d]] == M[0]", "weights=any"),
    ("E[M[d]] == M[0] + 1/2*sum(nu2[j], j, 1, d)", "weights=any; bias=any"),
    ("E[M[d]] >= M[0]", "weights=any; bias=any"),
    ("E[M[d]] <= M[0] + sum(nu2[j], j, 1, d)", "bias=any"),
    ("E[M[d]] == M[0]*(1/2)**d", "variance_gain=1"),
    # Normal weights: the factors of THEORY.md 2.
    ("E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)", "weights=normal"),
    ("E[M[d]**3] == M[0]**3*prod(1+15/n[j]+44/n[j]**2, j, 1, d)", "weights=normal"),
    ("E[M[d]**4] == M[0]**4*prod(1+30/n[j]+251/n[j]**2+558/n[j]**3, j, 1, d)", "weights=normal"),
    ("Var[M[d]] == M[0]**2*(prod(1+5/n[j], j, 1, d)-1)", "weights=normal"),
    ("E[M[d]**2] >= M[0]**2*(1+5*sum(1/n[j], j, 1, d))", "weights=normal"),
    # The constants of Theorem 5: c = min(5, 2 kappa - 1), C = max.
    ("E[M[d]**2] <= M[0]**2*exp(5*sum(1/n[j], j, 1, d))", "weights=normal"),
    ("E[M[d]**2] <= M[0]**2*exp(5*sum(1/n[j], j, 1, d))", "weights=uniform"),
    ("E[M[d]**2] < M[0]**2*exp(5*sum(1/n[j], j, 1, d))", "weights=normal"),
    ("E[M[d]**2] <= M[0]**2*exp(11*sum(1/n[j], j, 1, d))", "weights=laplace"),
    ("E[M[d]**2] <= M[0]**2*prod(1+11/n[j], j, 1, d)", "weights=laplace"),
    ("E[M[d]**2] >= M[0]**2*prod(1+1/n[j], j, 1, d)", "weights=any"),
    ("E[M[d]**2] >= M[0]**2*prod(1+13/5/n[j], j, 1, d)", "weights=uniform"),
    ("E[M[d]**2] >= M[0]**2*exp(log(2)*sum(1/n[j], j, 1, d))", "weights=rademacher"),
    ("E[M[d]**2] >= M[0]**2*exp(log(6)*sum(1/n[j], j, 1, d))", "weights=normal"),
    ("E[M[d]**2] >= M[0]**2*exp(1/2*sum(1/n[j], j, 1, d))", "weights=rademacher,uniform,normal"),
    ("E[M[d]**2] <= M[0]**2*6**d", "weights=normal,uniform,rademacher"),
    ("E[M[d]**2] <= M[0]**2*exp(d/2)", "widths=10..1000; weights=uniform"),
    # Jensen, Lyapunov, log-convexity.
    ("E[M[d]**2] >= E[M[d]]**2", "weights=any; bias=any"),
    ("Var[M[d]] >= 0", "weights=any; bias=any"),
    ("E[M[d]**2]**3 <= E[M[d]**3]**2", "weights=uniform"),
    ("E[M[d]**2]**2 <= E[M[d]]*E[M[d]**3]", "weights=laplace"),
    # Corollary 2.
    ("E[EmpVar] >= 0", "weights=any"),
    ("E[EmpVar] <= 1/4*Var[M[d]]", "weights=any"),
    # Other slopes: abs has c_m = 1 and g = 1, so chi^2_n/n and 1 + 2/n.
    ("E[M[d]**2] == M[0]**2*prod(1+2/n[j], j, 1, d)", "activation=abs"),
    ("M[0]**2 <= E[M[d]**2] <= M[0]**2*prod(1+2/n[j], j, 1, d)", "activation=linear; weights=uniform"),
]

FALSE = [
    ("E[M[d]] == 101/100*M[0]", "weights=any"),
    ("E[M[d]] == M[0] + 1/2*sum(nu2[j]**2, j, 1, d)", "bias=any"),
    ("E[M[d]] == M[0]", "weights=any; bias=any"),
    ("E[M[d]] <= M[0] + 49/100*sum(nu2[j], j, 1, d)", "bias=any"),
    ("E[M[d]] == M[0]*(1/2)**d", "variance_gain=101/100"),
    ("E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)", "weights=rademacher"),
    ("E[M[d]**2] == M[0]**2*prod(1+5/n[j-1], j, 1, d)", "weights=normal"),
    ("E[M[d]**3] == M[0]**3*prod(1+15/n[j]+45/n[j]**2, j, 1, d)", "weights=normal"),
    ("E[M[d]**4] <= M[0]**4*prod(1+30/n[j]+251/n[j]**2+557/n[j]**3, j, 1, d)", "weights=normal"),
    ("Var[M[d]] <= M[0]**2*(prod(1+99/20/n[j], j, 1, d)-1)", "weights=normal"),
    ("E[M[d]**2] > M[0]**2*(1+5*sum(1/n[j], j, 1, d))", "weights=normal"),
    ("E[M[d]**2] <= M[0]**2*exp(4.9*sum(1/n[j], j, 1, d))", "weights=normal"),
    ("E[M[d]**2] <= M[0]**2*exp(4.95*sum(1/n[j], j, 1, d))", "weights=uniform"),
    ("E[M[d]**2] <= M[0]**2*exp(5*sum(1/n[j], j, 1, d))", "weights=laplace"),
    ("E[M[d]**2] <= M[0]**2*prod(1+10.9/n[j], j, 1, d)", "weights=laplace"),
    ("E[M[d]**2] > M[0]**2*prod(1+1/n[j], j, 1, d)", "weights=rademacher"),
    ("E[M[d]**2] >= M[0]**2*prod(1+5/n[j], j, 1, d)", "weights=any"),
    ("E[M[d]**2] >= M[0]**2*prod(1+2.63/n[j], j, 1, d)", "weights=uniform"),
    ("E[M[d]**2] >= M[0]**2*exp(log(2.02)*sum(1/n[j], j, 1, d))", "weights=rademacher"),
    ("E[M[d]**2] >= M[0]**2*exp(log(6.06)*sum(1/n[j], j, 1, d))", "weights=normal"),
    ("E[M[d]**2] <= M[0]**2*5.95**d", "weights=normal,uniform,rademacher"),
    ("E[M[d]**2] <= M[0]**2*exp(d/2)", "weights=uniform"),
    ("E[M[d]**2] <= E[M[d]]**2", "weights=any"),
    ("Var[M[d]] > 1/100", "weights=any"),
    ("E[M[d]**2]**3 >= E[M[d]**3]**2", "weights=uniform"),
    ("E[EmpVar] > 0", "weights=any"),
    ("E[EmpVar] <= 6/25*Var[M[d]]", "weights=normal"),
    ("E[EmpVar] <= 1/4*Var[M[d-1]]", "depth=2..1000; weights=normal"),
    ("E[M[d]**2] == M[0]**2*prod(1+2/n[j], j, 1, d)", "activation=leaky_relu:1/10"),
    ("M[0]**2 < E[M[d]**2] <= M[0]**2*prod(1+1.98/n[j], j, 1, d)", "activation=linear; weights=uniform"),
]
