#!/usr/bin/env python3
"""Stands in for emcc when rustc links pycrdt: hands the objects to LLD as one dynamic wasm library.

rustc speaks emcc's language to this target. Of its arguments only the objects, the output and the exported functions
mean something to LLD: emcc's settings (`-s NAME=VALUE`), library paths and optimisation levels are dropped, because
every library that pycrdt needs is in Pyodide's main module and every optimisation has been done by rustc.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

EXPORTS_SETTING = "EXPORTED_FUNCTIONS="


@dataclass
class Order:
    """What rustc asks of the linker."""

    output: str = ""
    objects: list[str] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)


def read_order(arguments: list[str]) -> Order:
    """Read rustc's arguments."""
    order = Order()
    rest = iter(arguments)
    for argument in rest:
        if argument == "-o":
            order.output = next(rest)
        elif argument == "-L":
            next(rest)
        elif argument == "-s":
            setting = next(rest)
            if setting.startswith(EXPORTS_SETTING):
                # emcc's names carry C's leading underscore, LLD's do not.
                order.exports = [name.removeprefix("_") for name in json.loads(setting.removeprefix(EXPORTS_SETTING))]
        elif not argument.startswith("-"):
            order.objects.append(argument)
    return order


def lld_arguments(order: Order) -> list[str]:
    """Return the arguments of `lld -flavor wasm` for a library that Pyodide can load."""
    return [
        "-shared",
        "--experimental-pic",
        "--unresolved-symbols=import-dynamic",
        "--gc-sections",
        "--strip-all",
        "-O2",
        # The loader calls these two when they are there: relocations of data, and static constructors.
        "--export-if-defined=__wasm_apply_data_relocs",
        "--export-if-defined=__wasm_call_ctors",
        *(f"--export={name}" for name in order.exports),
        *order.objects,
        "-o",
        order.output,
    ]


if __name__ == "__main__":
    lld = os.environ["CARRYON_LLD"]
    sys.exit(subprocess.run([lld, "-flavor", "wasm", *lld_arguments(read_order(sys.argv[1:]))]).returncode)
