"""Who may import whom in src/. Called by scripts/check; prints every import that goes the wrong way, and every circle.

`layers.py --graph server/http` prints what the entries of a folder import. Tests may import what they need: a file's
`mod tests` and files of tests are not looked at.
"""

import re
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"

# Of each folder its entries, from above to below. An entry may import those that stand in a later line, and nothing of its own
# line but itself. docs/architecture.md says why.
LAYERS = {
    "": "server / app / client / protocol",
    "server": """cli / http / state / export / notify / outgoing / search / chat feed files / authz / log presence auth / limits / cluster / error / store / markdown / emoji / words /
        clock observability / config""",
    "server/http": "router / forms / account_pages / pages / compat / api / realtime / serve / middleware / favourites channel_choices / redirect / extract / problem",
    "app": "shell / pages / components / sync / loader / page_data / i18n / model / reactive routes look",
    "client": "connection / transports / dom / executor",
}

TESTS = {"tests", "file_tests", "properties", "conformance", "test_keys"}


def module_of(file):
    """src/server/store/mod.rs -> ("server", "store")."""
    parts = file.relative_to(SRC).with_suffix("").parts
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
    """A path from the crate's root, or None for another crate's."""
    parts = path.split("::")
    if parts[0] == "crate":
        return tuple(parts[1:])
    here = list(module)
    if parts[0] == "self":
        return tuple(here + parts[1:])
    if parts[0] != "super":
        return None
    while parts and parts[0] == "super":
        here, parts = here[:-1], parts[1:]
    return tuple(here + parts)


def imports_of(file):
    """(line, path) of each import, and of each path that is written out in the code."""
    lines = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if re.match(r"mod tests \{", line):
            break
        lines.append(f"\x01{number}\x02{re.sub(r'//.*', '', line)}")
    text = "\n".join(lines)
    found = [(m.start(), m[1]) for m in re.finditer(r"\buse\s+((?:crate|super|self)\b[^;]*);", text)]
    found += [(m.start(), m[0]) for m in re.finditer(r"\b(?:crate|super)(?:::\w+)+", text)]
    for start, tree in found:
        line = int(re.findall(r"\x01(\d+)\x02", text[: start + 1])[-1])
        for path in flatten(re.sub(r"\x01\d+\x02|\s+(as\s+\w+)?", "", tree)):
            if parts := absolute(path, module_of(file)):
                yield line, parts


def read_edges():
    """{(importing module, imported module): "file:line"}."""
    files = [f for f in sorted(SRC.rglob("*.rs")) if not TESTS & set(f.relative_to(SRC).with_suffix("").parts)]
    modules = {module_of(file) for file in files}
    edges = {}
    for file in files:
        for line, path in imports_of(file):
            while path and path not in modules:
                path = path[:-1]
            if path and path != module_of(file):
                edges.setdefault((module_of(file), path), f"{file.relative_to(SRC.parent)}:{line}")
    return modules, edges


def entries_graph(folder, edges):
    """{(entry, entry): "file:line"} of what the entries of a folder import of each other."""
    depth, graph = len(folder), {}
    for (a, b), at in edges.items():
        if a[:depth] == b[:depth] == folder and len(a) > depth and len(b) > depth and a[depth] != b[depth]:
            graph.setdefault((a[depth], b[depth]), at)
    return graph


def against_layers(folder, graph, entries):
    """The imports that the table does not allow."""
    rows = [row.split() for row in LAYERS["/".join(folder)].split("/")]
    level = {entry: index for index, row in enumerate(rows) for entry in row}
    for entry in sorted(entries - level.keys()):
        yield f"src/{'/'.join((*folder, entry))} is in no layer: add it to the table in scripts/layers.py"
    for (a, b), at in sorted(graph.items()):
        if level.get(a, -1) >= level.get(b, len(rows)):
            yield f"{at}: {a} imports {b}, which stands above it or beside it"


def circle_in(graph):
    """The entries that import each other in a circle: what is left when those without imports are taken away."""
    rest = set(graph)
    while ended := {(a, b) for a, b in rest if b not in {x for x, _ in rest} or a not in {y for _, y in rest}}:
        rest -= ended
    return rest


def main():
    modules, edges = read_edges()
    if sys.argv[1:2] == ["--graph"]:
        folder = tuple(part for part in sys.argv[2].split("/") if part)
        for a, b in sorted(entries_graph(folder, edges)):
            print(f"{a} -> {b}")
        return
    faults = []
    for folder in sorted({module[:depth] for module in modules for depth in range(len(module) + 1)}):
        graph = entries_graph(folder, edges)
        if "/".join(folder) in LAYERS:
            entries = {m[len(folder)] for m in modules if len(m) > len(folder) and m[: len(folder)] == folder}
            faults += against_layers(folder, graph, entries)
            continue  # layers have no circles
        for a, b in sorted(circle_in(graph)):
            faults.append(f"{graph[a, b]}: {a} imports {b} in a circle, in src/{'/'.join(folder)}")
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(1 if faults else 0)


main()
