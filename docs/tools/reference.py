"""Everything that is generated from the command line, the schemas and the kernels: ``make reference``.

The page of the command line, the manual page, the completions of three shells, and the pages of the JSON documents and
the kernels. All of them are in the repository, so that they can be read and installed without this; tests compare them.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from profilednn_tui import __version__
from profilednn_tui.cli import program

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
KERNELS = ROOT / "kernels" / "profilednn_kernels"
NAME = "profilednn-tui"
SUMMARY = "watch PyTorch training on CPUs step by step"
SHELLS = {"bash": "profilednn-tui", "zsh": "_profilednn-tui", "fish": "profilednn-tui.fish"}
"""The name under which each shell looks for its completions."""

ENVIRONMENT = {
    "PROFILEDNN_HOME": "Folder of all sessions; else $XDG_STATE_HOME/profilednn, else ~/.local/state/profilednn.",
    "NO_COLOR": "Screens without colours.",
    "TEXTUAL_THEME": "Theme of the screens; takes precedence over the settings.",
    "EDITOR": "Opens a source line (key e).",
    "PROFILEDNN_PRIMITIVES": "For the target: 0 leaves oneDNN's reports alone.",
}
EXIT_CODES = {
    "of the target": "for a run, whatever it is; a target that a signal ends, ends this program alike",
    "0": "done; for compare --fail-on and gate: not slower by as much",
    "1": "doctor: something does not work here",
    "2": "wrong usage, or the question cannot be decided",
    "3": "compare --fail-on and gate: slower by at least as much",
    "130": "interrupted",
}


def main() -> None:
    """Write all generated files."""
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def generated() -> dict[Path, str]:
    """The text of each generated file."""
    return {
        ROOT / "docs" / "reference" / "command-line.md": command_line_page(),
        ROOT / "docs" / "reference" / "json.md": json_page(),
        ROOT / "docs" / "reference" / "kernels.md": kernels_page(),
        ROOT / "share" / f"{NAME}.1": manual_page(),
        **{ROOT / "share" / file: completion(shell) for shell, file in SHELLS.items()},
    }


def completion(shell: str) -> str:
    """The script that a shell loads to complete our words."""
    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(program, {}, NAME, "_PROFILEDNN_TUI_COMPLETE")
    return str(made.source_template % made.source_vars()).strip() + "\n"


# ---------------------------------------------------------------- the command line


def commands() -> Iterator[tuple[click.Command, click.Context]]:
    """All commands, each with a context as for its help."""
    whole = click.Context(program, info_name=NAME, **{**program.context_settings, "terminal_width": 100})
    for name, command in program.commands.items():
        yield command, click.Context(command, whole, info_name=name)


def usage(command: click.Command, context: click.Context) -> str:
    """The words of a command, as in its help."""
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def description(command: click.Command) -> list[str]:
    """The paragraphs of a command's help."""
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return [" ".join(part.split()) for part in text.split("\n\n")]


def options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The options of a command with what they do, as in its help."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield record[0], " ".join(record[1].split())


def command_line_page() -> str:
    """The commands as Markdown."""
    lines = [
        "# Command line",
        "",
        "Generated from the commands' own help by `make reference`. Everything after SCRIPT, MODULE or COMMAND belongs",
        "to the target; our options stand before it.",
        "",
        "| command | |",
        "|---|---|",
    ]
    for command, _ in commands():
        lines.append(f"| [`{command.name}`](#{command.name}) | {cell(description(command)[0])} |")
    for command, context in commands():
        lines += ["", f"## {command.name}", "", "```text", usage(command, context), "```", ""]
        lines += [line for part in description(command) for line in (text_of(part), "")]
        lines += ["| option | |", "|---|---|"]
        lines += [f"| {code(name)} | {cell(text)} |" for name, text in options(command, context)]
    lines += ["", "## Environment", "", "| variable | |", "|---|---|"]
    lines += [f"| {code(name)} | {cell(text)} |" for name, text in ENVIRONMENT.items()]
    lines += ["", "## Exit codes", "", "| code | |", "|---|---|"]
    lines += [f"| {name} | {cell(text)} |" for name, text in EXIT_CODES.items()]
    lines += ["", SHELL_COMPLETION]
    return "\n".join(lines)


SHELL_COMPLETION = """## Manual page and completion

The wheel has `profilednn-tui.1` and completions for bash, zsh and fish below `share/`, where shells and `man` look if
it is installed for the system or with `pip install --user`. From a virtual environment, load them by hand:

```console
$ eval "$(_PROFILEDNN_TUI_COMPLETE=bash_source profilednn-tui)"
```

`zsh_source` and `fish_source` do the same for the other two; in fish, pipe it into `source`. Commands, options and the
names of sessions are completed; behind SCRIPT, files.
"""


def code(text: str) -> str:
    return f"`{text}`".replace("|", r"\|")


def cell(text: str) -> str:
    return text_of(text).replace("|", r"\|")


def text_of(text: str) -> str:
    """Help as Markdown: nothing in it is markup but backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\[\]<>*_])", r"\\\1", part) for part in parts)


# ---------------------------------------------------------------- the manual page


def manual_page() -> str:
    """The commands as a page of section 1."""
    lines = [
        f'.TH PROFILEDNN-TUI 1 "" "{NAME} {__version__}" "User Commands"',
        ".SH NAME",
        roff(f"{NAME} - {SUMMARY}"),
        ".SH SYNOPSIS",
    ]
    for command, context in commands():
        lines += [".br", roff(usage(command, context))]
    lines += [".SH DESCRIPTION"]
    lines += [line for part in description(program) for line in (roff(part), ".PP")][:-1]
    lines.append(".SH COMMANDS")
    for command, context in commands():
        lines += [f".SS {roff(str(command.name))}"]
        lines += [line for part in description(command) for line in (roff(part), ".PP")][:-1]
        for name, text in options(command, context):
            lines += [".TP", rf"\fB{roff(name)}\fR", roff(text)]
    for heading, table in (("ENVIRONMENT", ENVIRONMENT), ("EXIT STATUS", EXIT_CODES)):
        lines.append(f".SH {heading}")
        for name, text in table.items():
            lines += [".TP", rf"\fB{roff(name)}\fR", roff(text)]
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Text that roff prints as it is: no line of it is a request, and no hyphen becomes a dash."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


# ---------------------------------------------------------------- JSON


def json_page() -> str:
    """The documents as tables, from their schemas."""
    lines = [
        "# JSON documents",
        "",
        "Generated from the schemas by `make reference`. Each document names its schema; within a version, keys are",
        "added and never change their meaning. Times are in the unit that the key names, shares are parts of one, and",
        "`null` means unknown. A number that JSON cannot spell, such as a diverged loss, is the text `nan` or `inf`.",
        "",
        "| schema | written by | |",
        "|---|---|---|",
    ]
    schemas = {path: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SCHEMAS.glob("*.schema.json"))}
    for path, schema in schemas.items():
        title = f"[{schema['title']}](#{anchor(schema['title'])})"
        lines.append(f"| {title} | {cell(schema['$comment'])} | [{path.name}](../schemas/{path.name}) |")
    for schema in schemas.values():
        lines += ["", f"## {schema['title']}", "", text_of(schema["description"]), ""]
        lines += ["| key | type | |", "|---|---|---|"]
        lines += [
            f"| `{key}` | {cell(kind)} | {cell(text)} |" for key, kind, text in rows(schema, schema.get("$defs", {}))
        ]
    return "\n".join(lines) + "\n"


def anchor(title: str) -> str:
    """The fragment of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def rows(schema: Mapping[str, Any], shared: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, str]]:
    """The keys of an object and of those in it: path, type, meaning."""
    for name, value in schema.get("properties", {}).items():
        inner = resolved(value, shared)
        here = f"{path}{name}"
        yield here, type_of(inner), str(value.get("description", inner.get("description", "")))
        if "items" in inner:
            inner, here = resolved(inner["items"], shared), f"{here}[]"
        yield from rows(inner, shared, f"{here}.")


def resolved(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, whether it is written out, shared or one that may also be null."""
    if "$ref" in schema:
        return resolved(shared[schema["$ref"].rpartition("/")[2]], shared)
    if "anyOf" in schema:
        (one,) = (choice for choice in schema["anyOf"] if choice != {"type": "null"})
        return {**resolved(one, shared), "nullable": True}
    return schema


def type_of(schema: Mapping[str, Any]) -> str:
    """``object``, ``number or null``, ``one of a, b``."""
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    return " or ".join([*kinds, *(["null"] if schema.get("nullable") and "null" not in kinds else [])])


# ---------------------------------------------------------------- the kernels


def kernels_page() -> str:
    """All that the package exports, by file; read from the source, because its import takes torch."""
    lines = ["# The kernels' functions", "", "Generated from the docstrings by `make reference`."]
    package = ast.parse((KERNELS / "__init__.py").read_text(encoding="utf-8"))
    for node in package.body:
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("profilednn_kernels."):
            continue
        file = KERNELS / f"{str(node.module).partition('.')[2]}.py"
        module = ast.parse(file.read_text(encoding="utf-8"))
        exported = {alias.name for alias in node.names}
        lines += ["", f"## {(ast.get_docstring(module) or file.stem).splitlines()[0].rstrip('.')}"]
        for one in module.body:
            if isinstance(one, (ast.FunctionDef, ast.ClassDef)) and one.name in exported:
                lines += ["", f"### {one.name}", "", "```python", signature(one), "```", ""]
                lines += (ast.get_docstring(one) or "").splitlines()
    return "\n".join(lines) + "\n"


def signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    """The first lines of a function or class, one argument a line if they are many."""
    if isinstance(node, ast.ClassDef):
        return f"class {node.name}({', '.join(map(ast.unparse, node.bases))})"
    parts, returns = list(arguments(node.args)), ast.unparse(node.returns) if node.returns else "None"
    whole = f"def {node.name}({', '.join(parts)}) -> {returns}"
    if len(whole) <= 100:
        return whole
    lines = "".join(f"    {part},\n" for part in parts)
    return f"def {node.name}(\n{lines}) -> {returns}"


def arguments(given: ast.arguments) -> Iterator[str]:
    """Each argument with its type and default."""
    plain = [*given.posonlyargs, *given.args]
    yield from map(_argument, plain, [*[None] * (len(plain) - len(given.defaults)), *given.defaults])
    if given.kwonlyargs:
        yield "*"
        yield from map(_argument, given.kwonlyargs, given.kw_defaults)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) if default is None else f"{ast.unparse(argument)} = {ast.unparse(default)}"


if __name__ == "__main__":
    main()
