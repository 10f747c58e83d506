"""An import-linter contract that lists what a package may import, where the stock ones list what it may not."""

from __future__ import annotations

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyImports(Contract):
    """A package imports the standard library, itself and the modules listed, and nothing else.

    Fields:
        package: name of the package, whose every module is held to the rule.
        internal: packages of this repository that it may import.
        external: top-level names of other distributions that it may import.
    """

    package = fields.StringField()
    internal = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    external = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        root = self.package.partition(".")[0]
        inside = (self.package, *self.internal)
        outside = {*self.external, *sys.stdlib_module_names}
        breaches = sorted(
            (module, imported)
            for module in graph.modules
            if _within(module, self.package)
            for imported in graph.find_modules_directly_imported_by(module)
            if not (_any_within(imported, inside) if _within(imported, root) else imported.partition(".")[0] in outside)
        )
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        allowed = ", ".join([*self.internal, *self.external]) or "nothing"
        output.print(f"{self.package} may import the standard library, itself and: {allowed}.")
        for module, imported in check.metadata["breaches"]:
            output.print_error(f"{module} imports {imported}")


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _any_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(_within(module, package) for package in packages)
