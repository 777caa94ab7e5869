"""What a statement says about depth d, and how each quantity in it changes with one more layer.

Symbols: m = M_0, qK = E M_d^K, D = d, v = 1/n_d, w = 1/n_0; sK, pK the sums and products over layers;
S1 = sum q2(j), S2 = sum j q2(j); of the next layer u = 1/n, nuK the bias moments, yK the exponential
that multiplies pK, zK the largest or smallest of some of its quantities, tK in [0, 1]: where in the
interval of its possible values a moment lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from math import factorial, prod

from flint import fmpq

from proofs_check.fully_connected_family import FullyConnectedFamily
from proofs_check.language import tree
from proofs_check.statement_kernel.algebra import NAMES, RING, Fraction, Poly, degrees_of, symbol
from proofs_check.statement_kernel.rejection import RejectedProofError, require
from theory.door import MAX_WIDTH
from theory.laws import Law

__all__ = ["Model"]

_ONE = Fraction.of(1)


class Model:
    """The quantities of a statement on the networks of a family with one weight law; None for any law."""

    def __init__(self, family: FullyConnectedFamily, law: Law | None) -> None:
        low, high = family.widths
        self.family, self.law = family, law
        self.widths = (low, None if high >= MAX_WIDTH else high)
        critical = family.activation.critical_variance_gain
        self.gain = critical if family.variance_gain is None else family.variance_gain
        require(self.gain > 0, "the variance gain is not positive")
        self.keeps_mean = self.gain == critical and not family.has_bias
        everywhere = (fmpq(0) if self.widths[1] is None else fmpq(1, high), fmpq(1, low))
        self.ranges = {"v": everywhere, "w": everywhere}
        self.start = {"D": Fraction.of(0), "v": Fraction.of(symbol("w"))}
        self.step = {"D": Fraction.of(symbol("D") + 1), "v": Fraction.of(symbol("u"))}
        self.exponents: dict[str, tuple[fmpq, fmpq, Fraction]] = {}
        self.extremes: dict[str, tuple[str, list[Poly]]] = {}
        self._known: dict[object, Fraction] = {}
        self.divisors: list[tuple[Poly, bool]] = []

    def value(self, node: tree.Expression, variable: str | None = None) -> Fraction:
        """A side of the statement, or what a sum or product over `variable` takes from the next layer."""
        match node:
            case tree.Number(number):
                return Fraction.of(number)
            case tree.Negate(operand):
                return Fraction.of(0) - self.value(operand, variable)
            case tree.Name(name):
                return self._name(name, variable)
            case tree.Indexed(name, index, None):
                return self._indexed(name, index, variable)
            case tree.Binary("**", base, exponent):
                return self._power(base, exponent, variable)
            case tree.Binary(operator, left, right):
                one, two = self.value(left, variable), self.value(right, variable)
                if operator == "/":
                    return one * self._inverse(two, variable)
                return {"+": one + two, "-": one - two, "*": one * two}[operator]
            case tree.Call(("min" | "max" | "abs") as function, arguments):
                return self._extreme(function, [self.value(each, variable) for each in arguments], variable)
        require(variable is None, "a sum or product over layers is of what each layer has")
        return self._of_depth(node)

    def _of_depth(self, node: tree.Expression) -> Fraction:
        """Sums and products up to d, exponentials of them, and expectations."""
        match node:
            case tree.Call("exp", (argument,)):
                parts = self._exponent(argument).items()
                return prod((self._exponential(key, a, b) for key, (a, b) in parts), start=_ONE)
            case tree.Fold(kind, body, name, tree.Number(first), tree.Name("d")) if first == 1:
                return self._fold(node, "s" if kind == "sum" else "p", self.value(body, name))
            case tree.Expectation(kind, body):
                inside = self.value(body)
                mean = self._mean(inside)
                return mean if kind == "E" else self._mean(inside * inside) - mean * mean
        raise RejectedProofError("a part of the statement is outside of what is proved")

    def _extreme(self, function: str, values: list[Fraction], variable: str | None) -> Fraction:
        """The largest or smallest of numbers, a symbol where it is of quantities of a layer."""
        if function == "abs" or variable is None or None not in (value.constant for value in values):
            numbers = [value.number(f"{function} of what is no number") for value in values]
            require(function != "abs" or len(numbers) == 1, "abs takes one number")
            return Fraction.of({"min": min(numbers), "max": max(numbers)}.get(function, abs(numbers[0])))
        name = f"z{1 + len(self.extremes)}"
        require(name in NAMES and all(value.below.is_one() for value in values), f"{function} of fractions")
        self.extremes[name] = (function, [value.above for value in values])
        return Fraction.of(symbol(name))

    def _inverse(self, divisor: Fraction, variable: str | None) -> Fraction:
        """1/divisor; noted, since a divisor that cancels is not to be 0 either."""
        self.divisors.append((divisor.above, variable is not None))
        return _ONE / divisor

    def _name(self, name: str, variable: str | None) -> Fraction:
        if name == variable:
            return Fraction.of(symbol("D") + 1)
        if name == "kappa":
            return Fraction.of(self._weight_moment(2))
        require(name == "g" or variable is None, "a sum or product may not depend on d")
        require(name in {"g", "d", "EmpVar"}, f"{name} is outside of what is proved")
        return Fraction.of({"g": self.gain, "d": symbol("D"), "EmpVar": symbol("W")}[name])

    def _indexed(self, name: str, index: tree.Expression, variable: str | None) -> Fraction:
        before = tree.Binary("-", tree.Name(variable or ""), tree.Number(fmpq(1)))
        place = {
            tree.Number(fmpq(0)): "0",
            tree.Name("d"): "d",
            tree.Name(variable or ""): "j",
            before: "j-1",
        }
        at = place.get(index)
        require(
            at and (at == "0" or (variable is None) == (at == "d")),
            f"{name} at an index that is not followed",
        )
        if name == "n":
            return Fraction(RING.constant(1), symbol({"0": "w", "j": "u"}.get(str(at), "v")))
        if name == "M" and at in {"0", "d"}:
            return Fraction.of(symbol("m" if at == "0" else "M"))
        require(name in {"nu2", "nu4"} and at == "j", f"{name}[...] is not followed here")
        return Fraction.of(self._bias_moment(1 if name == "nu2" else 2))

    def _power(self, base: tree.Expression, exponent: tree.Expression, variable: str | None) -> Fraction:
        if exponent == tree.Name("d") and variable is None:
            factor = self.value(base)
            factor.number("only numbers are taken to the power d")
            return self._fold((base, exponent), "p", factor)
        power = self.value(exponent, variable).number("an exponent that is no number")
        require(power.q == 1 and abs(power) <= 64, "an exponent that is not followed")
        value = self.value(base, variable) ** abs(int(power.p))
        return value if power >= 0 else self._inverse(value, variable)

    def _fold(self, key: object, letter: str, layer: Fraction) -> Fraction:
        """The symbol of a sum or product that takes `layer` from the next layer."""
        if key not in self._known:
            name = f"{letter}{1 + sum(known.startswith(letter) for known in self.start)}"
            require(name in NAMES, "too many sums and products")
            before = Fraction.of(symbol(name))
            self.start[name] = Fraction.of(0) if letter == "s" else _ONE
            self.step[name] = before + layer if letter == "s" else before * layer
            self._known[key] = before
        return self._known[key]

    def _exponential(self, key: tree.Expression | None, a: fmpq, b: fmpq) -> Fraction:
        """exp((a + log b) sum h) as a product over layers; h = 1 where the sum is d itself."""
        if key is None or (key == tree.Name("d") and a == 0):
            require(a == 0, "exp of a number is not followed")
            return Fraction.of(b) if key is None else self._fold((key, b), "p", Fraction.of(b))
        if (key, a, b) not in self._known:
            y = f"y{1 + len(self.exponents)}"
            require(y in NAMES, "too many exponentials")
            each = self.value(key.body, key.variable) if isinstance(key, tree.Fold) else _ONE
            self.exponents[y] = (a, b, each)
            self._fold((key, a, b), "p", Fraction.of(symbol(y)))
        return self._known[key, a, b]

    def _exponent(self, node: tree.Expression) -> dict[tree.Expression | None, tuple[fmpq, fmpq]]:
        """An exponent as a combination of sums and d: {what: (a, b)} for (a + log b) what."""
        match node:
            case tree.Fold("sum", _, _, tree.Number(first), tree.Name("d")) if first == 1:
                return {node: (fmpq(1), fmpq(1))}
            case tree.Name("d"):
                return {node: (fmpq(1), fmpq(1))}
            case tree.Call("log", (argument,)):
                positive = self.value(argument).number("log of what is no number")
                require(positive > 0, "log of what is not positive")
                return {None: (fmpq(0), positive)}
            case tree.Negate(operand):
                return self._exponent(tree.Binary("*", tree.Number(fmpq(-1)), operand))
            case tree.Binary("+", left, right):
                found = self._exponent(left)
                for key, (a, b) in self._exponent(right).items():
                    one, two = found.get(key, (fmpq(0), fmpq(1)))
                    found[key] = (one + a, two * b)
                return found
            case tree.Binary("-", left, right):
                return self._exponent(tree.Binary("+", left, tree.Negate(right)))
            case tree.Binary("*", left, right):
                scale, sums = self._exponent(left), self._exponent(right)
                scale, sums = (scale, sums) if set(scale) == {None} else (sums, scale)
                require(set(scale) == {None}, "an exponent must be linear in sums")
                return {key: _times(scale[None], factor) for key, factor in sums.items()}
            case tree.Binary("/", left, right):
                return self._exponent(tree.Binary("*", left, tree.Binary("**", right, tree.Number(fmpq(-1)))))
        return {None: (self.value(node).number("an exponent must be linear in sums"), fmpq(1))}

    def _mean(self, inside: Fraction) -> Fraction:
        """E of a polynomial in M_d, or linear in EmpVar, with coefficients that are not random."""
        length, spread = NAMES.index("M"), NAMES.index("W")
        below = degrees_of(inside.below)
        require(not below[length] and not below[spread], "division by a random quantity")
        total = Fraction.of(0)
        for exponents, coefficient in inside.above.to_dict().items():
            kept = tuple(0 if i in (length, spread) else e for i, e in enumerate(exponents))
            power = (exponents[length], exponents[spread])
            require(power[1] == 0 or power == (0, 1), "of EmpVar only the mean is followed")
            mean = self._empirical_variance() if power[1] else self.moment(power[0])
            total = total + mean * Fraction.of(RING.from_dict({kept: coefficient}))
        return total * Fraction(RING.constant(1), inside.below)

    def _empirical_variance(self) -> Fraction:
        """E M_i M_j = q2(min(i, j)) for martingales, so d^2 E EmpVar = sum (2j - 1 - d) q2(j)."""
        require(self.keeps_mean, "EmpVar is followed where the lengths form a martingale")
        self.moment(2)
        d, one, two = (symbol(name) for name in ("D", "S1", "S2"))
        self.start |= {"S1": Fraction.of(0), "S2": Fraction.of(0)}
        self.step["S1"] = Fraction.of(one) + self.step["q2"]
        self.step["S2"] = Fraction.of(two) + Fraction.of(d + 1) * self.step["q2"]
        return Fraction(2 * two - (1 + d) * one, d**2)

    def moment(self, k: int) -> Fraction:
        """E M_d^k."""
        if k == 0 or (k == 1 and self.keeps_mean):
            return Fraction.of(symbol("m")) if k else _ONE
        require(k <= 6, "moments of order above 6 are not followed")
        name = f"q{k}"
        if name not in self.start:
            self.start[name] = Fraction.of(symbol("m") ** k)
            self.step[name] = Fraction.of(self._grown(k))
        return Fraction.of(symbol(name))

    def _grown(self, k: int) -> Poly:
        """E M^k of the next layer: between ratio times E M^i for the smallest and the largest ratio."""
        total = RING.constant(0)
        for i, ratios in enumerate(self._ratios(k)):
            best = ratios[0]
            for ratio in ratios[1:]:
                t = f"t{len(self.ranges) - 1}"
                require(t in NAMES, "too many moments that are not exact")
                self.ranges[t] = (fmpq(0), fmpq(1))
                best = best + symbol(t) * (ratio - best)
            total += best * self.moment(i).above
        return total

    def _ratios(self, k: int) -> list[list[Poly]]:
        """For i = 0..k the distinct ratios of coefficients in E[M_j^k | a_{j-1}] and M_{j-1}^i.

        Both are combinations of the monomials in x_t = a_t^2/n_{j-1}; with x_t >= 0 the first lies
        between the smallest and the largest ratio times the second. Of the n_{j-1} coordinates of x
        at most i matter at degree i.
        """
        u, total, inputs = symbol("u"), RING.constant(0), min(k, self.widths[1] or k)
        for parts in _partitions(k, k):
            ways = factorial(k) // prod(map(factorial, [*parts, *Counter(parts).values()]))
            chosen = prod((1 - i * u for i in range(len(parts))), start=u ** (k - len(parts)))
            total += (
                ways * chosen * prod((self._neuron(part, inputs) for part in parts), start=RING.constant(1))
            )
        places = [NAMES.index(f"x{t}") for t in range(1, inputs + 1)]
        found: dict[tuple[int, ...], Poly] = {}
        for exponents, coefficient in total.to_dict().items():
            pattern = tuple(exponents[place] for place in places)
            kept = tuple(0 if i in places else e for i, e in enumerate(exponents))
            found[pattern] = found.get(pattern, RING.constant(0)) + RING.from_dict({kept: coefficient})
        wanted = [
            [p + (0,) * (inputs - len(p)) for p in _partitions(i, i) if len(p) <= inputs]
            for i in range(k + 1)
        ]
        return [
            _distinct(
                found.get(p, RING.constant(0)) * fmpq(prod(map(factorial, p)), factorial(i)) for p in patterns
            )
            for i, patterns in enumerate(wanted)
        ]

    @cache  # noqa: B019
    def _neuron(self, l: int, inputs: int) -> Poly:
        """E phi(z)^{2l} with z = sqrt(g) sum w_t sqrt(x_t) + b."""
        total = RING.constant(0)
        for *powers, bias in _compositions(l, inputs + 1):
            ways = fmpq(factorial(2 * l), prod(factorial(2 * e) for e in (*powers, bias)))
            term = RING.constant(ways * self.gain ** (l - bias)) * self._bias_moment(bias)
            for t, e in enumerate(powers, 1):
                term *= self._weight_moment(e) * symbol(f"x{t}") ** e
            total += term
        return total * self.family.activation.even_moment_factor(l)

    def _weight_moment(self, l: int) -> Poly:
        if self.law is None and l >= 2:
            require(l == 2, "moments of order above 2 need a weight law")
            return symbol("k")
        return RING.constant(fmpq(1) if self.law is None else _rational_moment(self.law, l))

    def _bias_moment(self, l: int) -> Poly:
        if l == 0 or not self.family.has_bias:
            return RING.constant(int(l == 0))
        if self.family.bias is None:
            require(l <= 4, "moments of order above 4 with biases are not followed")
            return symbol(f"nu{2 * l}")
        return symbol("nu2") ** l * _rational_moment(self.family.bias, l)


def _rational_moment(law: Law, l: int) -> fmpq:
    moment = law.even_moment(l)
    if not isinstance(moment, fmpq):
        raise RejectedProofError("the law has moments that are not rational")
    return moment


def _times(one: tuple[fmpq, fmpq], two: tuple[fmpq, fmpq]) -> tuple[fmpq, fmpq]:
    """(a + log b)(c + log e), of which one is rational."""
    (a, b), (c, e) = (one, two) if two[1] == 1 else (two, one)
    whole = b == 1 or (c.q == 1 and abs(c) <= 1_000)
    require(e == 1 and whole, "an exponent must be linear in logarithms, with whole multiples")
    return a * c, b ** int(c.p) if b != 1 else b


def _partitions(total: int, largest: int) -> Iterator[tuple[int, ...]]:
    if total == 0:
        yield ()
    for part in range(min(total, largest), 0, -1):
        for rest in _partitions(total - part, part):
            yield (part, *rest)


def _compositions(total: int, slots: int) -> Iterator[tuple[int, ...]]:
    if slots == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, slots - 1):
            yield (first, *rest)


def _distinct(polynomials: Iterable[Poly]) -> list[Poly]:
    found: list[Poly] = []
    for polynomial in polynomials:
        if polynomial not in found:
            found.append(polynomial)
    return found
