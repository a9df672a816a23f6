# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Single changes to the code of a module, of which its tests should notice each."""

from __future__ import annotations

import ast
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Add,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
LOGIC = {ast.And: ast.Or, ast.Or: ast.And}
SAID = {'debug', 'info', 'warn', 'warning', 'error', 'fatal'}
"""Methods whose arguments are texts for people, which may say the same in other words."""


@dataclass(frozen=True)
class Mutant:
    """The change at place ``number`` of a module, counted in the order of the code."""

    number: int
    line: int
    change: str


def find_mutants(source: str) -> list[Mutant]:
    """Return all changes that can be made to a module, each of them alone."""
    visitor = _Mutation(None)
    visitor.visit(ast.parse(source))
    return visitor.found


def mutate(source: str, number: int) -> ast.Module:
    """Return the module with one change, ready to be compiled."""
    tree: ast.Module = _Mutation(number).visit(ast.parse(source))
    return ast.fix_missing_locations(tree)


class _Mutation(ast.NodeTransformer):
    """Finds all places where something can be changed, and changes one of them."""

    def __init__(self, target: int | None) -> None:
        self.found: list[Mutant] = []
        self._target = target

    def _change(self, node: ast.AST, change: str) -> bool:
        number = len(self.found)
        self.found.append(Mutant(number, node.lineno, change))
        return number == self._target

    # Texts for people and types change nothing that a test should hold.

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        arguments = node.args
        arguments.defaults = [self.visit(each) for each in arguments.defaults]
        arguments.kw_defaults = [each and self.visit(each) for each in arguments.kw_defaults]
        node.body = [self.visit(each) for each in node.body]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(each) for each in node.body]
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        if ast.unparse(node.test) == 'TYPE_CHECKING':
            return node
        return self._negated(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self._negated(node)

    def _negated(self, node: ast.If | ast.IfExp) -> ast.AST:
        changed = self._change(node, 'the condition is turned round')
        self.generic_visit(node)
        if changed:
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        for place, operator in enumerate(node.ops):
            other = COMPARISONS[type(operator)]
            if self._change(node, f'{type(operator).__name__} becomes {other.__name__}'):
                node.ops[place] = other()
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        other = ARITHMETIC.get(type(node.op))
        texts = (ast.JoinedStr, ast.Constant)
        of_text = any(
            isinstance(side, texts) and not isinstance(getattr(side, 'value', ''), (int, float))
            for side in (node.left, node.right)
        )
        if of_text or other is None:
            return self.generic_visit(node)
        if self._change(node, f'{type(node.op).__name__} becomes {other.__name__}'):
            node.op = other()
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        other = LOGIC[type(node.op)]
        if self._change(node, f'{type(node.op).__name__} becomes {other.__name__}'):
            node.op = other()
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        changed = self._change(node, f'{type(node.op).__name__} is left out')
        self.generic_visit(node)
        return node.operand if changed else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, (bool, int, float)):
            return node
        other = not node.value if isinstance(node.value, bool) else node.value + 1
        if self._change(node, f'{node.value} becomes {other}'):
            return ast.copy_location(ast.Constant(other), node)
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        if node.value is None or ast.unparse(node.value) == 'None':
            return node
        if self._change(node, 'None is returned'):
            node.value = ast.Constant(None)
            return node
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if not isinstance(node.value, ast.Call):
            return node
        function = node.value.func
        if isinstance(function, ast.Attribute) and function.attr in SAID:
            return node
        return self._left_out(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if isinstance(node.targets[0], (ast.Attribute, ast.Subscript)):
            return self._left_out(node)
        return self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        return self._left_out(node)

    def _left_out(self, node: ast.stmt) -> ast.AST:
        if self._change(node, 'the statement is left out'):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)
