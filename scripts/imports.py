"""Reads a Rust file's lines ("N: text") and prints every import of the given modules. Called by scripts/check.

usage: imports.py FILE "MODULE MODULE::SUB …"  — modules are named from the crate's root.
"""

import re
import sys


def module_of(path):
    """src/server/store/mod.rs -> ["server", "store"]; the module that `self` means in the file."""
    parts = path.removeprefix("src/").removesuffix(".rs").split("/")
    return parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts


def flatten(tree):
    """`a::{b, c::{d, e}}` -> ["a::b", "a::c::d", "a::c::e"]."""
    brace = tree.find("{")
    if brace < 0:
        return [tree]
    head, depth, start, parts = tree[:brace], 0, brace + 1, []
    for index in range(brace, len(tree)):
        char = tree[index]
        depth += (char == "{") - (char == "}")
        if (char == "," and depth == 1) or (char == "}" and depth == 0):
            parts.append(tree[start:index])
            start = index + 1
        if depth == 0:
            break
    return [head + rest for part in parts if part for rest in flatten(part)]


def absolute(path, module):
    """A path from the crate's root as a list, or None for another crate's."""
    parts = path.split("::")
    if parts[0] == "crate":
        return parts[1:]
    here = list(module)
    if parts[0] == "self":
        return here + parts[1:]
    if parts[0] != "super":
        return None
    while parts and parts[0] == "super":
        here, parts = here[:-1], parts[1:]
    return here + parts


def main():
    file, forbidden = sys.argv[1], [module.split("::") for module in sys.argv[2].split()]
    lines = [line.rstrip("\n").split(": ", 1) for line in sys.stdin]
    text = "\n".join(f"\x01{number}\x02{re.sub(r'//.*', '', rest[0]) if rest else ''}" for number, *rest in lines)
    module = module_of(file)
    # Imports, and paths written out in the code.
    found = [(m.start(), m[1]) for m in re.finditer(r"\buse\s+((?:crate|super|self)\b[^;]*);", text)]
    found += [(m.start(), m[0]) for m in re.finditer(r"\b(?:crate|super)(?:::\w+)+", text)]
    bad = set()
    for start, tree in found:
        line = int(re.findall(r"\x01(\d+)\x02", text[: start + 1])[-1])
        tree = re.sub(r"\x01\d+\x02|\s+(as\s+\w+)?", "", tree)
        for path in flatten(tree):
            parts = absolute(path, module)
            if parts and any(parts[: len(name)] == name for name in forbidden):
                bad.add((line, "::".join(parts)))
    for line, path in sorted(bad):
        print(f"  {file}:{line}: {path}")


main()
