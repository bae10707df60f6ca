#!/usr/bin/env python3
"""Tells which files, classes and functions are largest, for people who wonder what to divide next. It fails for none of them: a limit
would be met by squeezing lines. What is enforced is who may include whom (tests/layers).

usage: sizes.py [HOW_MANY]
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASS = re.compile(r"(?:class|struct)\s+(?:\[\[\w+\]\]\s*)?(\w+)(?:\s+final)?(?:\s*:(?!:)[^;{]*)?$")
FUNCTION = re.compile(r"^( *)(?:[^()]* )?[*&]*([\w:~]+)\(.*\{$")
OTHER_BLOCK = re.compile(r"\b(?:if|for|while|switch|else|catch|return)\b|=|\](?:\(|\s*\{)")
DATA = re.compile(r"\b\w+_\s*(?=[=,;{]|:\s*\d|$)")


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns], cwd=ROOT,
                            check=True, text=True, stdout=subprocess.PIPE).stdout
    return [path for path in listed.splitlines() if (ROOT / path).is_file()]


def blank(match):
    """As many lines as there were, and nothing in them."""
    return "\n" * match[0].count("\n")


def without_comments(text):
    text = re.sub(r"//[^\n]*|/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', "0", text)
    return re.sub(r"^[ \t]*(?:#[^\n]*|(?:public|private|protected):)$", "", text, flags=re.M)


def is_function(statement):
    """A declaration with parentheses outside of templates' arguments, and not after an equals sign."""
    while True:
        shorter = re.sub(r"<[^<>()]*(?:\([^()]*\)[^<>()]*)?>", "", statement)
        if shorter == statement:
            break
        statement = shorter
    return "(" in statement.split("=")[0]


def classes(text):
    """(name, lines, data members, member functions) of each class that is defined in a header, nested ones by themselves."""
    open_blocks, found, statement = [], [], ""
    line = 1
    for character in without_comments(text):
        line += character == "\n"
        if character == "{":
            match = CLASS.search(statement.strip())
            kind = "class" if match and "enum" not in statement else "block"
            open_blocks.append([kind, match[1] if match else "", line, 0, 0, statement])
            statement = ""
        elif character == "}" and open_blocks:
            kind, name, first, data, functions, before = open_blocks.pop()
            if kind == "class":
                found.append((name, line - first + 1, data, functions))
                statement = ""
            elif open_blocks and open_blocks[-1][0] == "class" and is_function(before):
                open_blocks[-1][4] += 1  # a function with its body: no semicolon follows
                statement = ""
            else:
                statement = before  # a value in braces, or an enum: its semicolon follows
        elif character == ";":
            if open_blocks and open_blocks[-1][0] == "class":
                if is_function(statement):
                    open_blocks[-1][4] += 1
                elif "static" not in statement and "using" not in statement:
                    open_blocks[-1][3] += len(DATA.findall(statement))
            statement = ""
        else:
            statement += character
    return found


def bodies(text):
    """(lines, name) of each function with a body, as the formatter lays them out: it ends at a brace that stands below the
    first column of its beginning."""
    lines = without_comments(text).splitlines()
    for number, line in enumerate(lines):
        match = FUNCTION.match(line)
        if not match or OTHER_BLOCK.search(line):
            continue
        end = next((i for i in range(number + 1, len(lines)) if lines[i].startswith(match[1] + "}")), number)
        if lines[end] == match[1] + "}":
            yield end - number + 1, match[2]


def main():
    how_many = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    files = [(len((ROOT / path).read_text(errors="replace").splitlines()), path)
             for path in tracked("*.h", "*.cc", "*.py", "*.sh")]
    print("largest files, in lines:")
    for lines, path in sorted(files, reverse=True)[:how_many]:
        print(f"  {lines:5}  {path}")
    found = [(lines, data, functions, name, path) for path in tracked("sidecar/*.h", "adapters/*.h")
             for name, lines, data, functions in classes((ROOT / path).read_text(errors="replace"))]
    print("largest classes, in lines (data members, member functions):")
    for lines, data, functions, name, path in sorted(found, reverse=True)[:how_many]:
        print(f"  {lines:5}  {name} ({data}, {functions})  {path}")
    longest = [(lines, name, path) for path in tracked("sidecar/*.cc", "sidecar/*.h", "adapters/*.cc", "adapters/*.h")
               for lines, name in bodies((ROOT / path).read_text(errors="replace"))]
    print("longest functions, in lines:")
    for lines, name, path in sorted(longest, reverse=True)[:how_many]:
        print(f"  {lines:5}  {name}  {path}")


if __name__ == "__main__":
    main()
