"""Formulas of the points games: their exact value, and how to make a number of cards."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import permutations

OPERATORS: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_NODES = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
MOST_TOKENS = 64


def value_of(formula: Sequence[str]) -> Fraction | None:
    """The value of a formula by exact arithmetic; None where it is none.

    Tokens are read one after the other, so that 1 and 0 side by side are 10. Exact, so that 8 / (3 - 8 / 3) is 24.

    Args:
        formula: tokens, :data:`MOST_TOKENS` at most.
    """
    if len(formula) > MOST_TOKENS:
        return None
    try:
        return _value(ast.parse("".join(formula).strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _NODES:
            return OPERATORS[_NODES[type(sign)]](_value(left), _value(right))
    raise ValueError(f"no formula: {ast.dump(node)}")


@lru_cache(maxsize=4096)
def formula_for(
    numbers: tuple[int, ...], target: int, operators: str = "+-*/", begin: tuple[str, ...] = ()
) -> tuple[str, ...] | None:
    """The tokens of a formula that uses each number once and has the target as its value; None where there is none.

    Args:
        numbers: of the cards.
        target: wanted value.
        operators: those that may be used.
        begin: tokens that it begins with.
    """
    made = formulas(numbers, target, operators)
    return next((formula for formula in made if formula[: len(begin)] == begin), None)


def formulas(numbers: tuple[int, ...], target: int, operators: str = "+-*/") -> Iterator[tuple[str, ...]]:
    """All such formulas, in a fixed order."""
    for order in sorted(set(permutations(numbers))):
        yield from _search(tuple((Fraction(number), (str(number),)) for number in order), Fraction(target), operators)


Term = tuple[Fraction, tuple[str, ...]]


def _search(terms: tuple[Term, ...], target: Fraction, operators: str) -> Iterator[tuple[str, ...]]:
    """Join neighbours until one term is left."""
    if len(terms) == 1:
        if terms[0][0] == target:
            yield terms[0][1]
        return
    for index in range(len(terms) - 1):
        (left, left_tokens), (right, right_tokens) = terms[index : index + 2]
        for sign in operators:
            if sign == "/" and right == 0:
                continue
            tokens = (*left_tokens, sign, *right_tokens)
            joined = (OPERATORS[sign](left, right), tokens if len(terms) == 2 else ("(", *tokens, ")"))
            yield from _search((*terms[:index], joined, *terms[index + 2 :]), target, operators)
