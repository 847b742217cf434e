#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""words.py SOURCE - find the words that nobody says on the telephone.

Lists, in every text of the project, the words below, and comments that open with What or Who and ask no question.
Exits 1 when there is any, 77 where the files cannot be listed."""

import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1])
INSTEAD = {
    r"told|tells?|telling": "report, say, name",
    r"anew": "again, rebuild",
    r"but for": "except, without",
    r"can not": "cannot",
    r"be it": "even if",
    r"(what|who) (it|he) says (it|he) is|who (it|he) is": "its model, its identity",
    r"for ever": "forever",
    r"whoever|whosoever": "name the subject",
    r"no memory": "out of memory",
}
WORD = re.compile("|".join(rf"(?P<w{i}>\b(?:{words})\b)" for i, words in enumerate(INSTEAD)), re.I)
OPENING = re.compile(r"/\* (What|Who|Whose)\b[^?]*?(\.|\*/)", re.S)
# Names of identifiers are words too; a word in one is set off by underscores.
UNDERSCORE = str.maketrans("_", " ")


def texts():
    command = ["git", "-c", "safe.directory=*", "-C", SOURCE, "ls-files", "-z"]
    try:
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        print("only a git checkout says which files are the project's")
        sys.exit(77)
    for name in filter(None, names.split("\0")):
        path = SOURCE / name
        if "corpus" in path.parts or path.name == "words.py" or not path.is_file():
            continue
        try:
            yield name, path.read_text()
        except UnicodeDecodeError:
            continue


def main():
    found = []
    for name, text in texts():
        for number, line in enumerate(text.splitlines(), 1):
            for hit in WORD.finditer(line.translate(UNDERSCORE)):
                better = list(INSTEAD.values())[int(hit.lastgroup[1:])]
                found.append(f'{name}:{number}: "{hit.group()}": say {better}')
        if name.endswith((".c", ".h")):
            found += [f'{name}:{text.count(chr(10), 0, hit.start()) + 1}: "{hit.group()[3:40]}": subject first'
                      for hit in OPENING.finditer(text)]
    print("\n".join(found) or "no word to avoid")
    return bool(found)


sys.exit(main())
